"""Classification on a server that speaks the KServe v2 inference protocol, with the local network in reserve."""
