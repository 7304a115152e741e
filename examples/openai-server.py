"""Adapted queries and plain documents in Python, with the standard library alone. Needs no key:

    npm run quickstart && npx adapter-train serve --adapter adapters/quickstart.json --model-name support
    python3 examples/openai-server.py http://127.0.0.1:8080

With the official client it is OpenAI(base_url=f"{url}/v1", api_key="none").embeddings.create(model=model, input=texts).
"""

import json
import math
import sys
import urllib.request

url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080"


def embed(model, texts):
    body = json.dumps({"model": model, "input": texts}).encode()
    request = urllib.request.Request(f"{url}/v1/embeddings", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return [item["embedding"] for item in json.load(answer)["data"]]


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b)) / math.hypot(*a) / math.hypot(*b)


documents = ["Charging the battery in winter", "Changing your delivery address"]
vectors = embed("support", documents)
[query] = embed("support:query", ["batt below 0 °C, will it still be filled"])
for text, vector in zip(documents, vectors):
    print(f"{cosine(query, vector):.4f} {text}")
