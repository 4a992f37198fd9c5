package table

// reserved are the words that cannot be the name of an attribute in an expression.
var reserved = map[string]bool{}
