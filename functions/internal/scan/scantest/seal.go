package scantest

import (
	"bytes"
	"crypto/md5"
	"crypto/rc4"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// padding of passwords (ISO 32000-1, 7.6.3.3).
var padding = []byte("\x28\xBF\x4E\x5E\x4E\x75\x8A\x41\x64\x00\x4E\x56\xFF\xFA\x01\x08\x2E\x2E\x00\xB6\xD0\x68\x3E\x80\x2F\x0C\xA9\xFE\x64\x53\x69\x7A")

// encrypted is a document under the standard security handler, revision 3, with RC4 of 128 bits. Without a user password
// everybody can open it; the owner's only guards what may be done with it.
func encrypted(user, owner string) *document {
	pad := func(password string) []byte { return append([]byte(password), padding...)[:32] }
	often := func(b []byte) []byte {
		for range 51 {
			sum := md5.Sum(b)
			b = sum[:]
		}
		return b
	}
	rounds := func(key, b []byte) []byte {
		for i := range 20 {
			k := bytes.Clone(key)
			for j := range k {
				k[j] ^= byte(i)
			}
			b = rc4ed(k, b)
		}
		return b
	}
	id := []byte("made up, 16 long")
	may := int32(-3904) // nothing but looking at it
	o := rounds(often(pad(owner)), pad(user))
	key := often(bytes.Join([][]byte{pad(user), o, binary.LittleEndian.AppendUint32(nil, uint32(may)), id}, nil))
	check := md5.Sum(append(bytes.Clone(padding), id...))
	u := append(rounds(key, check[:]), make([]byte, 16)...)

	d := newDocument()
	d.seal = func(number int, body []byte) []byte {
		k := md5.Sum(append(bytes.Clone(key), byte(number), byte(number>>8), byte(number>>16), 0, 0))
		return rc4ed(k[:], body)
	}
	d.trailer = fmt.Sprintf("/ID[<%x><%x>]/Encrypt<</Filter/Standard/V 2/R 3/Length 128/P %d/O<%s>/U<%s>>>", id, id, may, hex.EncodeToString(o), hex.EncodeToString(u))
	return d
}

func rc4ed(key, body []byte) []byte {
	c, err := rc4.NewCipher(key)
	must(err)
	out := make([]byte, len(body))
	c.XORKeyStream(out, body)
	return out
}
