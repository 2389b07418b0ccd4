"""The certificates of one instance and the kubeconfigs made of them."""

from __future__ import annotations

import base64
import ipaddress
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kube.instance import NODE, SERVICE_ADDRESS, Instance

LIFE = timedelta(days=365)
SERVER_NAMES = (
    *("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"),
    "kubernetes.default.svc.cluster.local",
)
# file, common name, organization
CLIENTS = (
    ("admin", "admin", "system:masters"),
    ("apiserver-kubelet", "kube-apiserver-kubelet-client", "system:masters"),
    ("controllers", "system:kube-controller-manager", ""),
    ("scheduler", "system:kube-scheduler", ""),
    ("node", f"system:node:{NODE}", "system:nodes"),
)


def make(instance: Instance) -> None:
    """Write every key, certificate and kubeconfig of the instance into its folder."""
    folder = instance.pki
    folder.mkdir(mode=0o700)
    authority = _Authority(folder)
    addresses = (instance.node_address, "127.0.0.1")
    authority.serve("apiserver", "kube-apiserver", SERVER_NAMES, (*addresses, SERVICE_ADDRESS))
    authority.serve("kubelet", NODE, (NODE, "localhost"), addresses)
    for name, common, organization in CLIENTS:
        authority.client(name, common, organization)
    key = ec.generate_private_key(ec.SECP256R1())
    _write_key(folder / "accounts.key", key)
    (folder / "accounts.pub").write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    for name in ("controllers", "scheduler", "node"):
        _write_kubeconfig(instance, name, folder / f"{name}.kubeconfig")
    _write_kubeconfig(instance, "admin", instance.kubeconfig)


class _Authority:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = _name("c8s-test-authority")
        self._name = name
        certificate = (
            self._builder(name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        _write_key(folder / "ca.key", self._key)
        (folder / "ca.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def serve(self, file: str, common: str, names: Sequence[str], addresses: Sequence[str]) -> None:
        alternatives = x509.SubjectAlternativeName(
            [
                *(x509.DNSName(name) for name in names),
                *(x509.IPAddress(ipaddress.ip_address(address)) for address in addresses),
            ]
        )
        self._leaf(file, _name(common), ExtendedKeyUsageOID.SERVER_AUTH, alternatives)

    def client(self, file: str, common: str, organization: str) -> None:
        self._leaf(file, _name(common, organization), ExtendedKeyUsageOID.CLIENT_AUTH, None)

    def _leaf(
        self,
        file: str,
        name: x509.Name,
        purpose: x509.ObjectIdentifier,
        alternatives: x509.SubjectAlternativeName | None,
    ) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            self._builder(name, key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        )
        if alternatives is not None:
            builder = builder.add_extension(alternatives, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        _write_key(self._folder / f"{file}.key", key)
        (self._folder / f"{file}.crt").write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
        )

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return x509.CertificateBuilder(
            issuer_name=self._name,
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - timedelta(hours=1),
            not_valid_after=now + LIFE,
        )


def _name(common: str, organization: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if organization:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(parts)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def _write_kubeconfig(instance: Instance, user: str, path: Path) -> None:
    """A kubeconfig that holds all it needs, so that it may be copied anywhere."""

    def data(file: str) -> str:
        return base64.b64encode((instance.pki / file).read_bytes()).decode()

    name = f"c8s-{instance.name}"
    cluster = {"server": instance.server, "certificate-authority-data": data("ca.crt")}
    login = {
        "client-certificate-data": data(f"{user}.crt"),
        "client-key-data": data(f"{user}.key"),
    }
    path.touch(mode=0o600)
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": name, "cluster": cluster}],
                "users": [{"name": user, "user": login}],
                "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
                "current-context": name,
            },
            indent=1,
        )
    )
