package scan

import "bytes"

// sniff says who parses a file, or why nobody does.
func sniff(file []byte) (Kind, error) {
	starts := func(with string) bool { return bytes.HasPrefix(file, []byte(with)) }
	switch {
	case len(file) == 0:
		return "", refuse("empty")
	case len(file) > MostBytes:
		return "", refuse("file-too-large")
	case starts("\xff\xd8\xff"):
		return JPEG, nil
	case starts("\x89PNG\r\n\x1a\n"):
		return PNG, nil
	case starts("II*\x00"), starts("MM\x00*"):
		return TIFF, nil
	case starts("II+\x00"), starts("MM\x00+"):
		return "", refuse("kind-bigtiff")
	// A PDF may begin with up to 1,024 bytes of something else (ISO 32000-2, annex I), and so may be something else too.
	case bytes.Contains(file[:min(len(file), 1024)], []byte("%PDF-")):
		return PDF, nil
	case starts("PK\x03\x04"):
		return "", refuse("kind-office")
	case len(file) >= 12 && string(file[4:8]) == "ftyp" && heic(string(file[8:12])):
		return "", refuse("kind-heic")
	}
	return "", refuse("kind-unknown")
}

// heic knows the brands of phones' photographs (ISO/IEC 23008-12, annex E; AVIF).
func heic(brand string) bool {
	switch brand {
	case "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1", "avif":
		return true
	}
	return false
}
