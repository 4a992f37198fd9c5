package mailroom

// deskRoutes are the addresses at which pieces are keyed.
var deskRoutes []Route
