"""The programs of an instance and how each is called, from etcd to the kubelet."""

from __future__ import annotations

from dataclasses import dataclass, field

from kube.instance import INSIDE, NODE, SERVICES, Instance

PATH = f"{INSIDE}/bin:/usr/sbin:/usr/bin:/sbin:/bin"
KWOK_PORT = 10247
# As fast as the machine allows: a test waits for the work, never for a throttle.
UNTHROTTLED = ("--kube-api-qps=1000", "--kube-api-burst=2000")


@dataclass(frozen=True, slots=True)
class Component:
    """A program by the name of its log, and its arguments."""

    name: str
    program: str
    arguments: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def argv(self) -> list[str]:
        return [f"{INSIDE}/bin/{self.program}", *self.arguments]

    @property
    def surroundings(self) -> dict[str, str]:
        return {"PATH": PATH, "HOME": f"{INSIDE}", "TMPDIR": "/tmp"} | self.environment


def etcd() -> Component:
    """On a tmpfs: what it holds never outlives the instance."""
    client, peer = "http://127.0.0.1:2379", "http://127.0.0.1:2380"
    return Component(
        "etcd",
        "etcd",
        (
            *("--name=etcd", "--data-dir=/run/etcd", "--unsafe-no-fsync"),
            *(f"--listen-client-urls={client}", f"--advertise-client-urls={client}"),
            *(f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}"),
            *(f"--initial-cluster=etcd={peer}", "--logger=zap", "--log-level=warn"),
            *("--quota-backend-bytes=4294967296", "--auto-compaction-retention=5m"),
        ),
    )


def apiserver(instance: Instance) -> Component:
    pki = INSIDE / "pki"
    audit = (
        (
            f"--audit-policy-file={INSIDE}/audit-policy.json",
            f"--audit-log-path={INSIDE}/audit.log",
            "--audit-log-maxsize=4096",
        )
        if instance.audit
        else ()
    )
    return Component(
        "kube-apiserver",
        "kube-apiserver",
        (
            *("--etcd-servers=http://127.0.0.1:2379", "--bind-address=0.0.0.0"),
            *(f"--advertise-address={instance.node_address}", "--secure-port=443"),
            f"--tls-cert-file={pki}/apiserver.crt",
            f"--tls-private-key-file={pki}/apiserver.key",
            *(f"--client-ca-file={pki}/ca.crt", "--cert-dir=/run/apiserver"),
            f"--service-account-key-file={pki}/accounts.pub",
            f"--service-account-signing-key-file={pki}/accounts.key",
            "--service-account-issuer=https://kubernetes.default.svc",
            *(f"--service-cluster-ip-range={SERVICES}", "--authorization-mode=Node,RBAC"),
            *("--enable-admission-plugins=NodeRestriction", "--allow-privileged=true"),
            f"--kubelet-client-certificate={pki}/apiserver-kubelet.crt",
            f"--kubelet-client-key={pki}/apiserver-kubelet.key",
            f"--kubelet-certificate-authority={pki}/ca.crt",
            "--kubelet-preferred-address-types=InternalIP",
            "--shutdown-watch-termination-grace-period=1s",
            *("--max-requests-inflight=2000", "--max-mutating-requests-inflight=1000"),
            *audit,
        ),
    )


def controllers() -> Component:
    pki = INSIDE / "pki"
    return Component(
        "kube-controller-manager",
        "kube-controller-manager",
        (
            *(f"--kubeconfig={pki}/controllers.kubeconfig", f"--root-ca-file={pki}/ca.crt"),
            f"--service-account-private-key-file={pki}/accounts.key",
            *("--use-service-account-credentials=true", "--leader-elect=false"),
            *("--concurrent-job-syncs=20", "--bind-address=127.0.0.1"),
            *("--cert-dir=/run/controllers", f"--flex-volume-plugin-dir={INSIDE}/volume-plugins"),
            *UNTHROTTLED,
        ),
    )


def scheduler() -> Component:
    return Component(
        "kube-scheduler",
        "kube-scheduler",
        (
            *(f"--kubeconfig={INSIDE}/pki/scheduler.kubeconfig", "--leader-elect=false"),
            *("--bind-address=127.0.0.1", "--cert-dir=/run/scheduler", *UNTHROTTLED),
        ),
    )


def registry() -> Component:
    return Component("registry", "docker-registry", ("serve", f"{INSIDE}/registry.json"))


def containerd() -> Component:
    return Component(
        "containerd",
        "containerd",
        (f"--config={INSIDE}/containerd.toml",),
        {"LD_LIBRARY_PATH": f"{INSIDE}/lib"},
    )


def kubelet(instance: Instance) -> Component:
    return Component(
        "kubelet",
        "kubelet",
        (
            f"--config={INSIDE}/kubelet.json",
            f"--kubeconfig={INSIDE}/pki/node.kubeconfig",
            *(f"--hostname-override={NODE}", f"--node-ip={instance.node_address}"),
            *(f"--root-dir={INSIDE}/kubelet", "--cert-dir=/run/kubelet-pki"),
        ),
    )


def kwok(instance: Instance) -> Component:
    pki = INSIDE / "pki"
    return Component(
        "kwok",
        "kwok",
        (
            *(f"--kubeconfig={INSIDE}/kubeconfig", f"--config={INSIDE}/stages.yaml"),
            *("--manage-all-nodes=true", f"--node-ip={instance.node_address}"),
            *(f"--node-port={KWOK_PORT}", f"--server-address={instance.node_address}:{KWOK_PORT}"),
            f"--tls-cert-file={pki}/kubelet.crt",
            f"--tls-private-key-file={pki}/kubelet.key",
            *("--node-lease-duration-seconds=40", "--cidr=10.97.0.0/16"),
        ),
    )


def k3s(instance: Instance) -> Component:
    """k3s as it is installed on the host: everything but the registry in one program."""
    return Component(
        "k3s",
        "k3s",
        (
            *("server", "--disable=traefik,servicelb,metrics-server", "--flannel-iface=eth0"),
            *(f"--node-ip={instance.node_address}", f"--node-name={NODE}"),
            *(f"--data-dir={INSIDE}/k3s", f"--write-kubeconfig={INSIDE}/k3s.yaml"),
            *(f"--cluster-cidr={instance.pods}", f"--service-cidr={SERVICES}"),
            f"--private-registry={INSIDE}/registries.yaml",
            f"--kubelet-arg=cgroup-root=/{instance.cgroup}",
        ),
    )


def every(instance: Instance) -> dict[str, Component]:
    """All programs of the instance's size, by name."""
    parts = [etcd(), apiserver(instance), controllers(), scheduler()]
    if instance.maker == "k3s":
        parts = [registry(), k3s(instance)]
    elif instance.size == "full":
        parts += [registry(), containerd(), kubelet(instance)]
    else:
        parts += [kwok(instance)]
    return {part.name: part for part in parts}
