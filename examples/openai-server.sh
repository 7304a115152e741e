#!/bin/sh
# Adapted queries and plain documents from any language that can send HTTP. Needs no key:
#   npm run quickstart && npx adapter-train serve --adapter adapters/quickstart.json --model-name support
#   sh examples/openai-server.sh http://127.0.0.1:8080
set -eu
url=${1:-http://127.0.0.1:8080}

ask() {
  curl --fail-with-body --silent --show-error "$url/v1/embeddings" \
    --header 'content-type: application/json' --data "{\"model\": \"$1\", \"input\": \"$2\"}"
  echo
}

ask support 'Charging the battery in winter'
ask support:query 'batt below 0 °C, will it still be filled'
