# One image for `sidecar run`, `sidecar injector serve` and `sidecar registry serve`; docs/kubernetes.md tells how it is used.
#   docker build -t model-policy-sidecar:0.1.0 .
# OPA is an image of its own (openpolicyagent/opa:1.22.2-static): a second container of the pod.
ARG PYTHON_IMAGE=python:3.13.9-slim-trixie
# Of the same Debian: what is built with its C library runs with that one.
ARG RUST_IMAGE=rust:1.96.0-trixie

# Our own binding of regorus (docs/engines.md): the one stage with a compiler. Its wheel fits every Python from 3.11 on.
FROM ${PYTHON_IMAGE} AS maturin
RUN python -m venv /opt/maturin && /opt/maturin/bin/pip install --no-cache-dir --only-binary=:all: maturin==1.16.0

FROM ${RUST_IMAGE} AS native
# maturin is a program with a Python around it, which this image does not have.
COPY --from=maturin /opt/maturin/bin/maturin /usr/local/bin/maturin
WORKDIR /build/native
COPY native ./
RUN ./patched /build/patched \
 && maturin build --release --locked --manifest-path /build/patched/Cargo.toml --out /build/dist

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY pyproject.toml README.md LICENSE ./
COPY sidecar sidecar
COPY rego rego
COPY examples examples
COPY schemas schemas
COPY --from=native /build/dist native
RUN python -m pip wheel --no-deps --wheel-dir dist .
# Wheels alone: no other stage needs a compiler. Python's own byte code is made here, for the root file system is
# read-only later. s3fs: the archive's driver for S3; others (gcsfs, adlfs) take a line like this one.
RUN python -m venv --without-pip /opt/sidecar \
 && python -m pip --python /opt/sidecar/bin/python install --only-binary=:all: --compile \
      "$(echo dist/*.whl)[otlp,archive,redis,registry,postgresql,injector]" native/*.whl "s3fs>=2025.2"

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="model-policy-sidecar" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/sidecar /opt/sidecar
ENV PATH=/opt/sidecar/bin:$PATH PYTHONDONTWRITEBYTECODE=1
# By number, so that `runAsNonRoot` can be checked without a look into the image.
USER 65532:65532
WORKDIR /tmp
ENTRYPOINT ["sidecar"]
CMD ["--help"]
