"""The configuration files of an instance's programs."""

from __future__ import annotations

import json
from pathlib import Path

from kube.images import PAUSE
from kube.instance import INSIDE, REGISTRY_PORT, Instance

CONTAINERD_SOCKET = "/run/containerd/containerd.sock"


def write(instance: Instance) -> None:
    """Put every file that the programs read into the instance's folder."""
    folder = instance.folder
    for name in ("logs", "cni", "volume-plugins", "certs.d/docker.io", "certs.d/_default"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    if instance.audit:
        _write_json(folder / "audit-policy.json", _audit_policy())
    if instance.size == "control":
        return
    _write_json(folder / "registry.json", _registry(instance))
    _write_json(folder / "kubelet.json", _kubelet(instance))
    _write_json(folder / "cni" / "10-pods.conflist", _network(instance))
    (folder / "containerd.toml").write_text(_containerd())
    (folder / "runsc.toml").write_text(_runsc())
    for registry in ("docker.io", "_default"):
        # `server` too, so that nothing is ever asked outside of this host.
        (folder / "certs.d" / registry / "hosts.toml").write_text(
            f'server = "http://{instance.registry}"\n\n'
            f'[host."http://{instance.registry}"]\n'
            'capabilities = ["pull", "resolve"]\n'
        )


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1))


def _audit_policy() -> dict[str, object]:
    """Every write that was answered, without bodies."""
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {
                "level": "Metadata",
                "verbs": ["create", "update", "patch", "delete", "deletecollection"],
            },
            {"level": "None"},
        ],
    }


def _registry(instance: Instance) -> dict[str, object]:
    return {
        "version": "0.1",
        "log": {"level": "warn"},
        "storage": {
            "filesystem": {"rootdirectory": f"{INSIDE}/registry"},
            "delete": {"enabled": True},
        },
        "http": {"addr": f"{instance.node_address}:{REGISTRY_PORT}"},
    }


def _kubelet(instance: Instance) -> dict[str, object]:
    pki = INSIDE / "pki"
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": instance.node_address,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{pki}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{pki}/kubelet.crt",
        "tlsPrivateKeyFile": f"{pki}/kubelet.key",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "failSwapOn": False,
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{instance.cgroup}",
        "maxPods": 110,
        "registryPullQPS": 0,
        "serializeImagePulls": False,
        "eventRecordQPS": 0,
        "kubeAPIQPS": 100,
        "kubeAPIBurst": 200,
        "healthzPort": 0,
        "readOnlyPort": 0,
        "evictionHard": {
            "memory.available": "50Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
            "nodefs.inodesFree": "1%",
        },
        "imageGCHighThresholdPercent": 100,
        "podLogsDir": f"{INSIDE}/pod-logs",
        "volumePluginDir": f"{INSIDE}/volume-plugins",
        "resolvConf": "",
        # Nobody serves names there: a look-up fails at once instead of after a timeout.
        "clusterDNS": [instance.node_address],
        "clusterDomain": "cluster.local",
        "syncFrequency": "10s",
        "shutdownGracePeriod": "0s",
        "makeIPTablesUtilChains": False,
    }


def _network(instance: Instance) -> dict[str, object]:
    addresses = {
        "type": "host-local",
        "dataDir": "/run/cni-addresses",
        "ranges": [[{"subnet": instance.pods}]],
    }
    bridge = {
        "type": "bridge",
        "bridge": "pods",
        "isGateway": True,
        "isDefaultGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": addresses,
    }
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge]}


def _runsc() -> str:
    return f"""binary_name = "{INSIDE}/bin/runsc"
root = "/run/runsc"
[runsc_config]
  platform = "systrap"
"""


def _containerd() -> str:
    cri = 'plugins."io.containerd.cri.v1'
    runtimes = f'{cri}.runtime".containerd.runtimes'
    return f"""version = 3
root = "{INSIDE}/containerd"
state = "/run/containerd/state"
temp = "{INSIDE}/containerd-tmp"
disabled_plugins = [
  "io.containerd.nri.v1.nri", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.blockfile", "io.containerd.snapshotter.v1.erofs",
  "io.containerd.tracing.processor.v1.otlp",
]
[grpc]
  address = "{CONTAINERD_SOCKET}"
[{cri}.images"]
  snapshotter = "overlayfs"
  [{cri}.images".pinned_images]
    sandbox = "{PAUSE}"
  [{cri}.images".registry]
    config_path = "{INSIDE}/certs.d"
[{cri}.runtime"]
  restrict_oom_score_adj = true
  disable_apparmor = true
  enable_cdi = false
  netns_mounts_under_state_dir = true
  [{cri}.runtime".cni]
    bin_dirs = ["{INSIDE}/cni-bin"]
    conf_dir = "{INSIDE}/cni"
  [{cri}.runtime".containerd]
    default_runtime_name = "runc"
    [{runtimes}.runc]
      runtime_type = "io.containerd.runc.v2"
      [{runtimes}.runc.options]
        SystemdCgroup = false
        Root = "/run/runc"
    [{runtimes}.runsc]
      runtime_type = "io.containerd.runsc.v1"
      [{runtimes}.runsc.options]
        TypeUrl = "io.containerd.runsc.v1.options"
        ConfigPath = "{INSIDE}/runsc.toml"
[plugins."io.containerd.internal.v1.opt"]
  path = "{INSIDE}/containerd-opt"
"""
