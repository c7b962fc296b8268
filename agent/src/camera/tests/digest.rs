//! Digest logins against a server that is not ours: Python's own HTTP server and `hashlib`.
//!
//! Most cameras at gates still ask for MD5. The server works out the answer by RFC 7616, §3.4 (and by RFC 2069 where it
//! offers no `qop`), after it has proven its arithmetic on the examples printed in RFC 7616, §3.9.1 and RFC 2617, §3.5.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
};

use super::*;

const SERVER: &str = r#"
import hashlib, http.server, re, sys

def response(algorithm, user, realm, password, method, uri, nonce, nc, cnonce, qop):
    h = hashlib.sha256 if algorithm.upper().startswith("SHA-256") else hashlib.md5
    H = lambda text: h(text.encode()).hexdigest()
    first = H(f"{user}:{realm}:{password}")
    if algorithm.lower().endswith("-sess"):
        first = H(f"{first}:{nonce}:{cnonce}")
    second = H(f"{method}:{uri}")
    if not qop:
        return H(f"{first}:{nonce}:{second}")
    return H(f"{first}:{nonce}:{nc}:{cnonce}:{qop}:{second}")

RFC7616 = ("Mufasa", "http-auth@example.org", "Circle of Life", "GET", "/dir/index.html",
           "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "00000001",
           "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "auth")
assert response("MD5", *RFC7616) == "8ca523f5e9506fed4657c9700eebdbec"
assert response("SHA-256", *RFC7616) == "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
assert response("MD5", "Mufasa", "testrealm@host.com", "Circle Of Life", "GET", "/dir/index.html",
                "dcd98b7102dd2f0e8b11d0f600bfb0c093", "00000001", "0a4f113b", "auth") == "6629fae49393a05397450978507c4ef1"

USER, PASSWORD, REALM, NONCE = "viewer", "geheim: ß", "IP Camera(C7116)", "4e6a4d3a:f00d=="
CHALLENGES = {
    # As the standard has it, as cameras have it, as it was before qop.
    "/md5": [f'Digest realm="{REALM}", qop="auth", algorithm=MD5, nonce="{NONCE}", opaque="5ccc"'],
    "/camera": [f'Digest qop="auth", realm="{REALM}", nonce="{NONCE}", stale="FALSE"', f'Basic realm="{REALM}"'],
    "/old": [f'Digest realm="{REALM}", nonce="{NONCE}"'],
    "/either": [f'Digest realm="{REALM}", qop="auth,auth-int", nonce="{NONCE}"'],
    "/sess": [f'Digest realm="{REALM}", qop="auth", algorithm=MD5-sess, nonce="{NONCE}"'],
    "/both": [f'Digest realm="{REALM}", qop="auth", algorithm=SHA-256, nonce="{NONCE}"',
              f'Digest realm="{REALM}", qop="auth", algorithm=MD5, nonce="{NONCE}"'],
    "/strange": [f'Digest realm="{REALM}", qop="auth", algorithm=WHIRLPOOL, nonce="{NONCE}"',
                 f'Digest realm="{REALM}", qop="auth", algorithm=MD5, nonce="{NONCE}"'],
}

class Camera(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        path = self.path.split("?")[0]
        given = self.headers.get("Authorization", "")
        fields = {k.lower(): a or b for k, a, b in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]*))', given)}
        algorithm = fields.get("algorithm", "MD5")
        offered = [it for it in CHALLENGES[path] if it.startswith("Digest")]
        # What was offered, and no weaker one: the first that is known.
        fits = any(f"algorithm={algorithm}" in it or ("algorithm=" not in it and algorithm == "MD5") for it in offered)
        strongest = path != "/both" or algorithm == "SHA-256"
        right = (
            given.startswith("Digest ")
            and fits and strongest
            and fields.get("username") == USER
            and fields.get("realm") == REALM
            and fields.get("nonce") == NONCE
            and fields.get("uri") == self.path
            and (path == "/old") == ("qop" not in fields)
            and ("qop" not in fields or fields["nc"] == "00000001")
            and fields.get("response") == response(
                algorithm, USER, REALM, PASSWORD, "GET", self.path, NONCE,
                fields.get("nc"), fields.get("cnonce"), fields.get("qop"))
        )
        print(f"{path} {given.split(' ')[0] or '-'} {'right' if right else 'wrong'}", flush=True)
        body = b"\xff\xd8\xff\xe0 picture \xff\xd9" if right else b""
        self.send_response(200 if right else 401)
        if not right:
            for challenge in CHALLENGES[path]:
                self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

server = http.server.HTTPServer(("127.0.0.1", 0), Camera)
print(server.server_port, flush=True)
server.serve_forever()
"#;

struct Peer {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
    port: u16,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Peer {
    fn start() -> Self {
        let mut child = Command::new("python3")
            .arg("-")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3, which tests/run installs");
        child.stdin.take().unwrap().write_all(SERVER.as_bytes()).unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut port = String::new();
        said.read_line(&mut port).unwrap();
        Self { child, said, port: port.trim().parse().expect("the server's arithmetic is that of the standards") }
    }

    /// What the server said of the next request.
    fn next(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }
}

#[test]
fn a_server_of_others_lets_in_whom_it_asks_for_md5() {
    let mut peer = Peer::start();
    let dir = tempfile::tempdir().unwrap();
    for path in ["/md5", "/camera", "/old", "/either", "/sess", "/both", "/strange"] {
        let url = format!("http://127.0.0.1:{}{path}?channel=101&subtype=0", peer.port);
        let still = fetch(&with_login(&url, &dir, "geheim: ß"));
        assert_eq!(peer.next(), format!("{path} - wrong"), "nothing is sent before it is asked for");
        assert_eq!(peer.next(), format!("{path} Digest right"));
        assert_eq!(still.unwrap().media, "image/jpeg", "{path}");
        assert_eq!(fetch(&with_login(&url, &dir, "geheim: s")).unwrap_err(), Missed::NotAccepted, "{path}");
        assert_eq!((peer.next(), peer.next()), (format!("{path} - wrong"), format!("{path} Digest wrong")));
    }
}
