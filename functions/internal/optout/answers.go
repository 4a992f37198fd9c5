package optout

// Answers is what was said at a door, as it was said: perhaps incomplete, perhaps wrong. Its JSON is the wire form
// of POST /api/forms. The tags name the rule of each field, which makes it a fact; accept.go has the rules and their
// sources, and the rules that take more than one field.
type Answers struct {
	Kind          string  `json:"kind,omitempty" validate:"omitempty,kind"`
	About         string  `json:"about,omitempty" validate:"omitempty,max=100,about"`
	Choice        string  `json:"choice,omitempty" validate:"omitempty,choice"`
	Subject       Subject `json:"subject"`
	Proxy         *Proxy  `json:"proxy,omitempty" validate:"omitempty"`
	Practice      string  `json:"practice,omitempty" validate:"omitempty,practice"`
	NotRegistered bool    `json:"notRegistered,omitempty"`
	SignedOn      string  `json:"signedOn,omitempty" validate:"omitempty,staffonly,signedon"`
	Reply         *Reply  `json:"reply,omitempty" validate:"omitempty"`
}

// Subject is the person whose Summary Care Record it is.
type Subject struct {
	Title     string   `json:"title,omitempty" validate:"omitempty,title"`
	Surname   string   `json:"surname" validate:"required,surname"`
	Forenames string   `json:"forenames" validate:"required_unless=OneName true,omitempty,forenames"`
	OneName   bool     `json:"oneName,omitempty"` // the person has one name, which is the surname
	BirthDate string   `json:"birthDate" validate:"required,birthdate"`
	NHSNumber string   `json:"nhsNumber,omitempty" validate:"omitempty,nhsnumber"`
	Address   []string `json:"address,omitempty" validate:"max=6,dive,required,address"`
	Postcode  string   `json:"postcode,omitempty" validate:"omitempty,postcode"`
	NoAddress bool     `json:"noAddress,omitempty"`
}

// Proxy is whoever signs for the person, and in what capacity. No proxy means that the person signs.
type Proxy struct {
	Name     string `json:"name" validate:"required,proxy"`
	Capacity string `json:"capacity" validate:"required,capacity"`
}

// Reply is how an answer may safely reach the person. An empty list of safe ways means: do not contact me.
type Reply struct {
	Safe     []string `json:"safe" validate:"required,max=3,unique,dive,way"`
	Email    string   `json:"email,omitempty" validate:"omitempty,max=254,email"`
	Phone    string   `json:"phone,omitempty" validate:"omitempty,max=40,phone"`
	Format   string   `json:"format,omitempty" validate:"omitempty,format"`
	Language string   `json:"language,omitempty" validate:"omitempty,language"`
}
