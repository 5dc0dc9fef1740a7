"""Keys and certificates for the tests, made and checked by the libraries of others; nothing here is used twice.

    keys.py account FILE TOKEN_URI      writes a service account's key file
    keys.py check FILE ASSERTION        prints the claims of an assertion that the account signed, as JSON
    keys.py serve FOLDER                writes FOLDER/ca.pem, serves an AWS API without log groups over TLS with a
                                        certificate of that authority, prints {"url": …}, ends with its standard input
"""

import base64
import datetime
import http.server
import ipaddress
import json
import ssl
import sys
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import crypt, jwt


def new_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def account(file, token_uri):
    key = {
        "type": "service_account",
        "client_email": "bench@p.iam.gserviceaccount.com",
        "private_key_id": "k1",
        "private_key": private(new_key()).decode(),
        "token_uri": token_uri,
    }
    Path(file).write_text(json.dumps(key))


def check(file, assertion):
    key = json.loads(Path(file).read_text())["private_key"].encode()
    public = serialization.load_pem_private_key(key, None).public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    verifier = crypt.RSAVerifier.from_string(pem)
    signed, signature = assertion.rsplit(".", 1)
    header, claims, _, _ = jwt._unverified_decode(assertion)
    padded = signature + "=" * (-len(signature) % 4)
    assert verifier.verify(signed.encode(), base64.urlsafe_b64decode(padded)), "the signature does not hold"
    print(json.dumps({"header": header, "claims": claims}))


def certificate(name, key, issuer, issuer_key, authority):
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if not authority:
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class NoGroups(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        body = b'{"logGroups": []}'
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


def serve(folder):
    folder = Path(folder)
    common = x509.oid.NameOID.COMMON_NAME
    authority, own = new_key(), new_key()
    name = x509.Name([x509.NameAttribute(common, "an authority for a test")])
    host = x509.Name([x509.NameAttribute(common, "127.0.0.1")])
    (folder / "ca.pem").write_bytes(certificate(name, authority, name, authority, True))
    (folder / "server.pem").write_bytes(certificate(host, own, name, authority, False) + private(own))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), NoGroups)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"url": f"https://127.0.0.1:{server.server_address[1]}"}), flush=True)
    sys.stdin.read()


{"account": account, "check": check, "serve": serve}[sys.argv[1]](*sys.argv[2:])
