#!/usr/bin/env bash
# Makes a virtual environment with the Python packages that tests compare with, whatever the machine's own Python has.
# Progress goes to stderr, and stdout is for the shell:
#
#   eval "$(scripts/install-python.sh /tmp/python)"        # NumPy, safetensors
#   eval "$(scripts/install-python.sh /tmp/python full)"   # also ONNX Runtime, PyTorch, Sentence Transformers, LlamaIndex
#
# Needs Python 3.10 or newer with its module venv (Debian and Ubuntu: the package python3-venv, installed here for root).
set -euo pipefail

folder=${1:?the folder of the environment}
packages=(numpy==2.2.6 safetensors==0.8.0)
modules=(numpy safetensors)
if [ "${2:-}" = full ]; then
  packages+=(onnxruntime==1.32.0 torch==2.15.0 sentence-transformers==6.2.0)
  packages+=(llama-index-core==0.14.25 llama-index-embeddings-adapter==0.6.0)
  # PostgreSQL with pgvector, a server of Chroma, and Qdrant in memory.
  packages+=(pgserver==0.1.4 chromadb==1.5.9 qdrant-client==1.20.0)
  modules+=(onnxruntime torch sentence_transformers llama_index pgserver chromadb qdrant_client)
fi

make_environment() {
  python3 -m venv --clear "$folder" >&2
}
if ! make_environment; then
  [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || {
    echo "install-python: needs python3 with the module venv (Debian and Ubuntu: apt-get install python3-venv)" >&2
    exit 1
  }
  apt-get install -y --no-install-recommends python3-venv >&2 ||
    { apt-get update >&2 && apt-get install -y --no-install-recommends python3-venv >&2; }
  make_environment
fi
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check "${packages[@]}" >&2

printf 'export ADAPTER_TRAIN_PYTHON=%q ADAPTER_TRAIN_REQUIRE_PYTHON=%q\n' "$folder/bin/python" "${modules[*]}"
