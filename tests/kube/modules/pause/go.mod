module c8s.ci/tests/kube/pause

go 1.26.0
