package mailroom

// apiRoutes are the addresses of the mailroom's own client.
var apiRoutes []Route
