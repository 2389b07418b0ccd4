# A real Kubernetes for the tests; `tests/kube/cluster --help` can do more.

.PHONY: cluster cluster-control cluster-stop
cluster: dev-env ## Start a real node, real pods; the last line is the kubeconfig's path
	@tests/kube/cluster up --size full

cluster-control: dev-env ## Start a control plane whose pods are played by kwok
	@tests/kube/cluster up --size control

cluster-stop: dev-env ## Stop every test cluster on this host, and leave nothing of it
	@tests/kube/cluster down --all
