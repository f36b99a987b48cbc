"""A small node: what a kubelet, a container runtime and a network plugin do, as far as tests rely on it.

One process (`__main__`), which the cluster starts in process and mount namespaces of its own: with it, however it ends,
end all its containers, mounts and network namespaces. It sees the cluster through `api` and `mirror` only.

A pod's life (`pod`) is one thread: it sets up network and volumes, starts what `order` says, and stops all in `order`.
Each `container` has a thread that awaits its end and one for each probe (`probing`); whatever changes wakes the pod,
which then looks at everything anew. `status` says what it came to. `runtime` runs a container with runc, written down
by `oci` and `security`, on an overlay of the host's own files (`images`).

What it does not know it refuses, visibly in the pod's status: other kinds of volumes and probes than it names.
"""
