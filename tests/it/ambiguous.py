# SPDX-License-Identifier: BSD-2-Clause
"""
Requests that two readers may understand differently, as data: 189 rows.

A row is (name, clause, bytes, expected). The clause is of RFC 9112 unless another RFC is named. The bytes are
sent with NEXT after them, a request of its own. HIDDEN is a request where a body, or no request, belongs: no
reader may ever answer it. Expected is what wspipe does:

    400 (or another status)  one response with it, then the connection closes
    CLOSES    the meaning is clear, and nothing may follow: one response, then the connection closes
    PERSISTS  the meaning is clear: NEXT is answered as well
    BODY      the same, after a body: where nothing reads it, the connection closes
    BROKEN    a body that has no clear end: one response, then the connection closes
    WAITS     a body of which NEXT is a part: at most one response
    SILENT    no response, the connection closes
"""

CLOSES, PERSISTS, BODY, BROKEN, WAITS, SILENT = "closes", "persists", "body", "broken", "waits", "silent"

HOST = b"Host: localhost\r\n"
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: localhost\r\n\r\n"
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
VERSION = b"Sec-WebSocket-Version: 13\r\n"
UPGRADE = b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
PADDED = b"5\r\nabcde\r\n0\r\n\r\n"


def get(fields=b"", body=b"", line=b"GET /a.txt HTTP/1.1\r\n", host=HOST):
    return line + host + fields + b"\r\n" + body


def post(fields, body=b"", version=b"HTTP/1.1"):
    return get(fields, body, b"POST /a.txt " + version + b"\r\n")


def length(value, body=b"abcde"):
    return post(b"Content-Length: " + value + b"\r\n", body)


def coding(value, body=PADDED):
    return post(b"Transfer-Encoding: " + value + b"\r\n", body)


def chunks(body):
    return coding(b"chunked", body)


def target(text, host=HOST):
    return get(line=b"GET " + text + b" HTTP/1.1\r\n", host=host)


CHUNKED = b"Transfer-Encoding: chunked\r\n"
HIDDEN_CHUNK = b"%x\r\n%s\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)

LENGTHS = [
    ("length with a plus sign", "RFC 9110, 8.6", length(b"+5"), 400),
    ("negative length", "RFC 9110, 8.6", length(b"-5"), 400),
    ("negative zero as length", "RFC 9110, 8.6", length(b"-0", HIDDEN), 400),
    ("blank within a length", "RFC 9110, 8.6", length(b"5 5"), 400),
    ("tab within a length", "RFC 9110, 8.6", length(b"0\t5"), 400),
    ("hexadecimal length", "RFC 9110, 8.6", length(b"0x5"), 400),
    ("hexadecimal length without prefix", "RFC 9110, 8.6", length(b"a", b"0123456789"), 400),
    ("binary length", "RFC 9110, 8.6", length(b"0b101"), 400),
    ("length with exponent", "RFC 9110, 8.6", length(b"5e0"), 400),
    ("length with fraction", "RFC 9110, 8.6", length(b"5.0"), 400),
    ("length with underscore", "RFC 9110, 8.6", length(b"0_5"), 400),
    ("length in letters", "RFC 9110, 8.6", length(b"five"), 400),
    ("empty length", "RFC 9110, 8.6", length(b"", HIDDEN), 400),
    ("quoted length", "RFC 9110, 8.6", length(b'"5"'), 400),
    ("length with parameter", "RFC 9110, 8.6", length(b"5;q=1"), 400),
    ("length followed by a comma", "6.3, rule 5", length(b"5,"), 400),
    ("comma before a length", "6.3, rule 5", length(b",5"), 400),
    ("equal lengths in a list", "6.3, rule 5", length(b"5, 5"), 400),
    ("different lengths in a list", "6.3, rule 5", length(b"5, 0"), 400),
    ("length before a vertical tab", "RFC 9110, 5.5", length(b"5\x0b"), 400),
    ("length after a form feed", "RFC 9110, 5.5", length(b"\x0c5"), 400),
    ("length before NUL", "RFC 9110, 5.5", length(b"5\x00"), 400),
    ("length before a no-break space", "RFC 9110, 8.6", length(b"5\xa0"), 400),
    ("full-width digit as length", "RFC 9110, 8.6", length("\uff15".encode()), 400),
    ("length of 2^63", "6.3, rule 5", length(b"9223372036854775808"), 400),
    ("length that is 5 modulo 2^64", "6.3, rule 5", length(b"18446744073709551621"), 400),
    ("length that is 5 modulo 2^128", "6.3, rule 5", length(b"340282366920938463463374607431768211461"), 400),
    ("length that is 5 modulo 2^32", "6.3, rule 6", length(b"4294967301"), WAITS),
    ("length longer than the body", "6.3, rule 6", length(b"100000"), WAITS),
    ("length with leading zeros", "RFC 9110, 8.6", length(b"005"), BODY),
    ("length between blanks", "5.1", length(b" \t 5 \t"), BODY),
    ("length of a body that is a request", "6.3, rule 6", length(b"%d" % len(HIDDEN), HIDDEN), BODY),
    ("a length, then a list of two", "6.3, rule 5", post(b"Content-Length: 5\r\nContent-Length: 5, 0\r\n", b"abcde"), 400),
    ("the same length twice", "6.3, rule 5", post(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"abcde"), 400),
    ("two lengths, the first right", "6.3, rule 5", post(b"Content-Length: 5\r\nContent-Length: 0\r\n", b"abcde"), 400),
    ("two lengths, the last right", "6.3, rule 5", post(b"Content-Length: 0\r\nContent-Length: 5\r\n", b"abcde"), 400),
    ("two lengths in different case", "6.3, rule 5", post(b"content-length: 5\r\nCONTENT-LENGTH: 0\r\n", b"abcde"), 400),
    ("folded length", "5.2", length(b"\r\n 5"), 400),
    ("length continued in a folded line", "5.2", length(b"0\r\n 5"), 400),
    ("blank before the colon of a length", "5.1", post(b"Content-Length : 5\r\n", b"abcde"), 400),
    ("tab before the colon of a length", "5.1", post(b"Content-Length\t: 5\r\n", b"abcde"), 400),
    ("NUL before the colon of a length", "5.1", post(b"Content-Length\x00: 5\r\n", b"abcde"), 400),
    ("length without colon", "5", post(b"Content-Length 5\r\n", b"abcde"), 400),
    ("name of the length with a blank", "5.1", post(b"Content Length: 5\r\n", b"abcde"), 400),
    ("name of the length with an underscore", "6.3, rule 7", get(b"Content_Length: 200\r\n"), PERSISTS),
    ("length after a bare LF", "2.2", post(b"X: y\nContent-Length: 5\r\n", b"abcde"), 400),
    ("length after a bare CR", "2.2", post(b"X: y\rContent-Length: 5\r\n", b"abcde"), 400),
    ("GET with a body", "RFC 9110, 9.3.1", get(b"Content-Length: %d\r\n" % len(HIDDEN), HIDDEN), BODY),
    ("HEAD with a body", "RFC 9110, 9.3.2",
        get(b"Content-Length: %d\r\n" % len(HIDDEN), HIDDEN, b"HEAD /a.txt HTTP/1.1\r\n"), BODY),
]

CODINGS = [
    ("length, then coding", "6.1", post(b"Content-Length: 5\r\n" + CHUNKED, b"0\r\n\r\n" + HIDDEN), 400),
    ("coding, then length", "6.1", post(CHUNKED + b"Content-Length: 5\r\n", b"0\r\n\r\n" + HIDDEN), 400),
    ("length of the chunk's first line", "6.1", post(b"Content-Length: 4\r\n" + CHUNKED, HIDDEN_CHUNK), 400),
    ("length 0 and coding", "6.1", post(b"Content-Length: 0\r\n" + CHUNKED, HIDDEN_CHUNK), 400),
    ("two lengths and coding", "6.1", post(b"Content-Length: 5\r\n" * 2 + CHUNKED, PADDED), 400),
    ("coding between two lengths", "6.1", post(b"Content-Length: 5\r\n" + CHUNKED + b"Content-Length: 0\r\n", PADDED), 400),
    ("invalid length and coding", "6.1", post(b"Content-Length: x\r\n" + CHUNKED, PADDED), 400),
    ("length and unknown coding", "6.1", post(b"Content-Length: 5\r\nTransfer-Encoding: x\r\n", b"abcde"), 400),
    ("coding with a letter before it", "6.1", coding(b"xchunked"), 400),
    ("coding with a letter after it", "6.1", coding(b"chunkedx"), 400),
    ("coding cut short", "6.1", coding(b"chunk"), 400),
    ("unknown coding", "6.1", coding(b"cow"), 400),
    ("identity", "6.1", coding(b"identity"), 400),
    ("gzip", "6.1", coding(b"gzip"), 400),
    ("chunked, then identity", "6.1", coding(b"chunked, identity"), 400),
    ("chunked, then gzip", "6.1", coding(b"chunked, gzip"), 400),
    ("identity, then chunked", "6.1", coding(b"identity, chunked"), 501),
    ("gzip, then chunked", "6.1", coding(b"gzip, chunked"), 501),
    ("unknown coding, then chunked", "6.1", coding(b"x, chunked"), 501),
    ("chunked twice in a list", "6.1", coding(b"chunked, chunked"), 400),
    ("chunked and an empty element", "6.1", coding(b"chunked,"), 400),
    ("empty element and chunked", "6.1", coding(b", chunked"), 400),
    ("empty coding", "6.1", coding(b""), 400),
    ("a comma as coding", "6.1", coding(b","), 400),
    ("chunked with parameter", "7", coding(b"chunked;q=1"), 400),
    ("parameter, then chunked", "6.1", coding(b"identity;chunked"), 400),
    ("quoted chunked", "7", coding(b'"chunked"'), 400),
    ("comma in a quoted string", "6.1", coding(b'x="a, chunked'), 400),
    ("chunked in brackets", "7", coding(b"[chunked]"), 400),
    ("chunked in other letters", "7", coding("chun\u212aed".encode()), 400),
    ("chunked before NUL", "RFC 9110, 5.5", coding(b"chunked\x00"), 400),
    ("chunked after a vertical tab", "RFC 9110, 5.5", coding(b"\x0bchunked"), 400),
    ("chunked before a form feed", "RFC 9110, 5.5", coding(b"chunked\x0c"), 400),
    ("chunked before a no-break space", "6.1", coding(b"chunked\xa0"), 400),
    ("chunked before a bare CR", "2.2", coding(b"chunked\r"), 400),
    ("chunked after a bare LF", "2.2", coding(b"\nchunked"), 400),
    ("chunked in a folded line", "5.2", coding(b"\r\n chunked"), 400),
    ("chunked, folded identity", "5.2", coding(b"chunked,\r\n\tidentity"), 400),
    ("chunked in capitals", "7", coding(b"CHUNKED"), BODY),
    ("chunked between blanks", "5.1", coding(b"\t chunked \t"), BODY),
    ("chunked without a blank", "5.1", post(b"Transfer-Encoding:chunked\r\n", PADDED), BODY),
    ("chunked body that is a request", "7.1", chunks(HIDDEN_CHUNK), BODY),
    ("GET with a chunked body", "RFC 9110, 9.3.1", get(CHUNKED, HIDDEN_CHUNK), BODY),
    ("blank before the colon of a coding", "5.1", post(b"Transfer-Encoding : chunked\r\n", PADDED), 400),
    ("tab before the colon of a coding", "5.1", post(b"Transfer-Encoding\t: chunked\r\n", PADDED), 400),
    ("NUL before the colon of a coding", "5.1", post(b"Transfer-Encoding\x00: chunked\r\n", PADDED), 400),
    ("line break before the colon of a coding", "5.1", post(b"Transfer-Encoding\r\n: chunked\r\n", PADDED), 400),
    ("blank before the name of a coding", "5.2", post(b" " + CHUNKED, PADDED), 400),
    ("coding in a folded line", "5.2", post(b"X: y\r\n " + CHUNKED, PADDED), 400),
    ("coding after a bare LF", "2.2", post(b"X: y\n" + CHUNKED, PADDED), 400),
    ("coding after a bare CR", "2.2", post(b"X: y\r" + CHUNKED, PADDED), 400),
    ("two colons", "6.1", post(b"Transfer-Encoding:: chunked\r\n", PADDED), 400),
    ("name of the coding with an underscore", "6.3, rule 7", get(b"Transfer_Encoding: chunked\r\n"), PERSISTS),
    ("name of the coding after X-", "6.3, rule 7", get(b"X-Transfer-Encoding: chunked\r\n"), PERSISTS),
    ("TE in place of the coding", "7.4", get(b"TE: chunked\r\n"), PERSISTS),
    ("chunked in two fields", "6.1", post(CHUNKED * 2, PADDED), 400),
    ("chunked, then identity in two fields", "6.1", post(CHUNKED + b"Transfer-Encoding: identity\r\n", PADDED), 400),
    ("identity, then chunked in two fields", "6.1", post(b"Transfer-Encoding: identity\r\n" + CHUNKED, PADDED), 501),
    ("chunked, then an empty field", "6.1", post(CHUNKED + b"Transfer-Encoding:\r\n", PADDED), 400),
    ("coding in HTTP/1.0", "6.1", post(CHUNKED, PADDED, b"HTTP/1.0"), 400),
    ("length and coding in HTTP/1.0", "6.1", post(b"Content-Length: 5\r\n" + CHUNKED, PADDED, b"HTTP/1.0"), 400),
    ("coding named by Connection", "RFC 9110, 7.6.1", post(CHUNKED + b"Connection: Transfer-Encoding\r\n", PADDED), BODY),
    ("length named by Connection", "RFC 9110, 7.6.1",
        post(b"Content-Length: 5\r\nConnection: Content-Length\r\n", b"abcde"), BODY),
]

CHUNKS = [
    ("chunk size with 0x", "7.1", chunks(b"0x5\r\nabcde\r\n0\r\n\r\n"), BROKEN),
    ("negative chunk size", "7.1", chunks(b"-5\r\nabcde\r\n0\r\n\r\n"), BROKEN),
    ("chunk size with a plus sign", "7.1", chunks(b"+5\r\nabcde\r\n0\r\n\r\n"), BROKEN),
    ("blank before a chunk size", "7.1", chunks(b" 5\r\nabcde\r\n0\r\n\r\n"), BROKEN),
    ("blank after a chunk size", "7.1", chunks(b"5 \r\nabcde\r\n0\r\n\r\n"), BROKEN),
    ("blank within a chunk size", "7.1", chunks(b"0 5\r\nabcde\r\n0\r\n\r\n"), BROKEN),
    ("empty chunk size", "7.1", chunks(b"\r\nabcde\r\n0\r\n\r\n"), BROKEN),
    ("chunk size that is no number", "7.1", chunks(b"g\r\nabcde\r\n0\r\n\r\n"), BROKEN),
    ("chunk size that is 5 modulo 2^32", "7.1", chunks(b"100000005\r\nabcde\r\n0\r\n\r\n"), WAITS),
    ("chunk size that is 5 modulo 2^64", "7.1", chunks(b"10000000000000005\r\nabcde\r\n0\r\n\r\n"), BROKEN),
    ("chunk size of 2^64 - 1", "7.1", chunks(b"ffffffffffffffff\r\nabcde\r\n0\r\n\r\n"), BROKEN),
    ("chunk size with NUL", "7.1", chunks(b"5\x00\r\nabcde\r\n0\r\n\r\n"), BROKEN),
    ("chunk size with zeros", "7.1", chunks(b"00000005\r\nabcde\r\n000\r\n\r\n"), BODY),
    ("bare LF after a chunk size", "7.1", chunks(b"5\nabcde\r\n0\r\n\r\n"), BROKEN),
    ("bare CR after a chunk size", "7.1", chunks(b"5\rabcde\r\n0\r\n\r\n"), BROKEN),
    ("bare LF after a chunk", "7.1", chunks(b"5\r\nabcde\n0\r\n\r\n"), BROKEN),
    ("two bytes in place of CR LF", "7.1", chunks(b"5\r\nabcdeXX0\r\n\r\n"), BROKEN),
    ("chunk longer than its size", "7.1", chunks(b"3\r\nabcde\r\n0\r\n\r\n"), BROKEN),
    ("chunk shorter than its size", "7.1", chunks(b"8\r\nabcde\r\n0\r\n\r\n"), BROKEN),
    ("chunk extension", "7.1.1", chunks(b'5;a=b;c="d;e"\r\nabcde\r\n0\r\n\r\n'), BODY),
    ("bare LF in a chunk extension", "7.1.1", chunks(b"5;a\nabcde\r\n0\r\n\r\n"), BROKEN),
    ("bare CR in a chunk extension", "7.1.1", chunks(b"5;a\rb\r\nabcde\r\n0\r\n\r\n"), BROKEN),
    ("NUL in a chunk extension", "7.1.1", chunks(b"5;a\x00\r\nabcde\r\n0\r\n\r\n"), BROKEN),
    ("quoted chunk extension without end", "7.1.1", chunks(b'5;a="\r\nabcde\r\n0\r\n\r\n'), BODY),
    ("chunk extension of 300 bytes", "7.1.1", chunks(b"5;" + b"a" * 300 + b"\r\nabcde\r\n0\r\n\r\n"), BROKEN),
    ("last chunk with an extension", "7.1", chunks(b"5\r\nabcde\r\n0;a=b\r\n\r\n"), BODY),
    ("last chunk without an empty line", "7.1", chunks(b"5\r\nabcde\r\n0\r\n"), BROKEN),
    ("bare LF at the end", "7.1", chunks(b"5\r\nabcde\r\n0\r\n\n"), BROKEN),
    ("trailer field", "7.1.2", chunks(b"5\r\nabcde\r\n0\r\nX-Sum: 1\r\n\r\n"), BODY),
    ("length as trailer field", "RFC 9110, 6.5.1", chunks(b"5\r\nabcde\r\n0\r\nContent-Length: 200\r\n\r\n"), BODY),
    ("coding as trailer field", "RFC 9110, 6.5.1", chunks(b"5\r\nabcde\r\n0\r\n" + CHUNKED + b"\r\n"), BODY),
    ("trailer field without colon", "7.1.2", chunks(b"5\r\nabcde\r\n0\r\nX\r\n\r\n"), BROKEN),
    ("trailer field with a blank before its colon", "7.1.2", chunks(b"5\r\nabcde\r\n0\r\nX : y\r\n\r\n"), BROKEN),
    ("bare LF after a trailer field", "7.1.2", chunks(b"5\r\nabcde\r\n0\r\nX: y\n\r\n"), BROKEN),
    ("folded trailer field", "7.1.2", chunks(b"5\r\nabcde\r\n0\r\nX: y\r\n z\r\n\r\n"), BROKEN),
]

LINES = [
    ("LF in place of each CR LF", "2.2", get().replace(b"\r\n", b"\n"), 400),
    ("LF after the request line", "2.2", get(line=b"GET /a.txt HTTP/1.1\n"), 400),
    ("CR after the request line", "2.2", get(line=b"GET /a.txt HTTP/1.1\r"), 400),
    ("LF in place of the empty line", "2.2", get()[:-2] + b"\n", 400),
    ("an empty line first", "2.2", b"\r\n" + get(), PERSISTS),
    ("two empty lines first", "2.2", b"\r\n\r\n" + get(), 400),
    ("a bare LF first", "2.2", b"\n" + get(), 400),
    ("blank before the method", "3", b" " + get(), 400),
    ("two blanks after the method", "3", get(line=b"GET  /a.txt HTTP/1.1\r\n"), 400),
    ("tabs in the request line", "3", get(line=b"GET\t/a.txt\tHTTP/1.1\r\n"), 400),
    ("blank in the target", "3.2", target(b"/a.txt HTTP/1.1 /hidden"), 400),
    ("blank after the version", "3", get(line=b"GET /a.txt HTTP/1.1 \r\n"), 400),
    ("NUL in the target", "3.2", target(b"/a.txt\x00"), 400),
    ("HTTP/0.9", "3", b"GET /a.txt\r\n", 400),
    ("HTTP/1.0", "9.3", get(line=b"GET /a.txt HTTP/1.0\r\n"), CLOSES),
    ("HTTP/1.2", "2.3", get(line=b"GET /a.txt HTTP/1.2\r\n"), PERSISTS),
    ("HTTP/2.0", "RFC 9110, 15.6.6", get(line=b"GET /a.txt HTTP/2.0\r\n"), 505),
    ("HTTP/1.10", "2.3", get(line=b"GET /a.txt HTTP/1.10\r\n"), 400),
    ("lower-case version", "2.3", get(line=b"GET /a.txt http/1.1\r\n"), 400),
    ("empty field name", "5", get(b": y\r\n"), 400),
    ("request line as a field", "5.1", get(HIDDEN[:-4] + b"\r\n"), 400),
]

TARGETS = [
    ("target with another host", "3.2.2", target(b"http://localhost/a.txt", b"Host: example.com\r\n"), PERSISTS),
    ("foreign target with the right Host", "3.2.2", target(b"http://evil.example/a.txt"), PERSISTS),
    ("Host twice", "3.2", get(HOST), 400),
    ("two different Hosts", "3.2", get(b"Host: example.com\r\n"), 400),
    ("no Host", "3.2", get(host=b""), 400),
    ("blank before the colon of Host", "5.1", get(host=b"Host : localhost\r\n"), 400),
    ("Host with user information", "3.2", get(host=b"Host: localhost@evil.example\r\n"), 400),
    ("authority as target", "3.2.3", get(line=b"CONNECT localhost:80 HTTP/1.1\r\n"), 400),
    ("target with a fragment", "3.2", target(b"/a.txt#/../hidden"), 400),
]

CONNECTIONS = [
    ("Connection: close", "9.6", get(b"Connection: close\r\n"), CLOSES),
    ("close and keep-alive", "9.6", get(b"Connection: keep-alive, close\r\n"), CLOSES),
    ("Host named by Connection", "RFC 9110, 7.6.1", get(b"Connection: Host\r\n"), PERSISTS),
    ("100-continue with a body", "RFC 9110, 10.1.1",
        post(b"Expect: 100-continue\r\nContent-Length: %d\r\n" % len(HIDDEN), HIDDEN), BODY),
    ("100-continue without a body", "RFC 9110, 10.1.1", get(b"Expect: 100-continue\r\n"), PERSISTS),
    ("unknown expectation", "RFC 9110, 10.1.1", get(b"Expect: 200-ok\r\n"), PERSISTS),
    ("upgrade to another protocol", "RFC 9110, 7.8", get(b"Upgrade: h2c\r\nConnection: Upgrade\r\n"), CLOSES),
    ("handshake without key", "RFC 6455, 4.2.1", get(UPGRADE + VERSION), CLOSES),
    ("handshake of another version", "RFC 6455, 4.4", get(UPGRADE + KEY + b"Sec-WebSocket-Version: 9\r\n"), CLOSES),
    ("handshake by POST with a body", "RFC 6455, 4.2.1",
        post(UPGRADE + KEY + VERSION + b"Content-Length: %d\r\n" % len(HIDDEN), HIDDEN), CLOSES),
    ("handshake with a chunked body", "RFC 6455, 4.2.1", get(UPGRADE + KEY + VERSION + CHUNKED, HIDDEN_CHUNK), CLOSES),
    ("preface of HTTP/2", "RFC 9113, 3.4", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", SILENT),
]

ROWS = LENGTHS + CODINGS + CHUNKS + LINES + TARGETS + CONNECTIONS
