# A real Kubernetes for the tests; `tests/kube/cluster --help` can do more.

.PHONY: cluster cluster-control cluster-stop cluster-build kube
cluster: dev-env ## Start a real node with real pods; the last line is the kubeconfig's path
	@tests/kube/cluster up --size full

cluster-control: dev-env ## Start a control plane whose pods are played by kwok
	@tests/kube/cluster up --size control

cluster-stop: dev-env ## Stop both, and leave nothing of them
	@tests/kube/cluster down

cluster-build: dev-env ## Build what they need, once per machine: some seven minutes
	@tests/kube/cluster build

# The rungs that stand on the cluster come after it; none has to wait for the build by itself.
RUNGS := $(filter-out $(FOLDERS),$(RUNGS)) kube $(filter $(FOLDERS),$(RUNGS))
$(FOLDERS): cluster-build
kube: cluster-build ## The test cluster itself
	python -m pytest --junitxml=$(RESULTS)/$@/$@.xml tests/$@
