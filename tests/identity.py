"""A server's identity for tests: a certificate of an authority that nobody trusts beforehand."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def server_identity(pki: Path, address: str) -> tuple[Path, Path, Path]:
    """Files in the new folder `pki`: a server's certificate, its key, the authority's certificate
    (`ca.crt`). The certificate is good for one address."""
    pki.mkdir()
    authority, key = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority of this test")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
    now = datetime.datetime.now(datetime.UTC)

    def builder(name: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .issuer_name(issuer)
            .subject_name(name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )

    root = builder(issuer, authority.public_key()).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    )
    leaf = builder(subject, key.public_key()).add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]),
        critical=False,
    )
    pem = serialization.Encoding.PEM
    (pki / "ca.crt").write_bytes(root.sign(authority, hashes.SHA256()).public_bytes(pem))
    (pki / "server.crt").write_bytes(leaf.sign(authority, hashes.SHA256()).public_bytes(pem))
    (pki / "server.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pki / "server.crt", pki / "server.key", pki / "ca.crt"
