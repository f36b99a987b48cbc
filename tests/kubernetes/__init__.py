"""A real Kubernetes for tests, without a container engine: its own programs as processes, and a small node.

`fixtures.cluster` is what tests ask for; `cluster.Cluster` what they get. Around it: `slots` keeps clusters of several
test processes apart, `control_plane` runs etcd, API server, controllers and scheduler, `node` runs pods, `manifests`
and `web` are what tests put into them, `load` asks it. `python -m tests.kubernetes FOLDER` runs a cluster by hand.

It is not all of Kubernetes. There is no kube-proxy (`node.hosts` tells what stands for it), no network plugin, so that
NetworkPolicies do nothing, and no kubelet API: `kubectl logs`, `exec` and `port-forward` pass admission and then fail;
`Cluster.log` has the logs. Only root can run it.

Tests import from here; nothing here imports from tests but small helpers. Of the product only the node's images know
anything.
"""
