"""REST, websocket and the hub between pipeline and browsers."""
