"""Times in PyTorch what the benches time in Rust, under the same names: see docs/benchmarks.md.

    python benches/pytorch.py --threads 1 --json pytorch.jsonl
    python benches/pytorch.py --only 'training_step/full' --matmul medium

Each case runs in a process of its own, so that memory which one case leaves with the allocator does not hide the growth
of the next.
"""

import argparse
import ctypes
import gc
import json
import math
import os
import re
import statistics
import subprocess
import sys
import time

WARM_UP_CALLS = 3
CALLS = 10
SECONDS = 4.0

CASES = {}


def case(name, *arguments):
    """Registers a function that builds the inputs and returns what is timed."""

    def register(build):
        CASES[name] = lambda: build(*arguments)
        return build

    return register


# Measuring


def status_kib(key):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(key))


def restart_peak():
    """Gives freed memory back, forgets earlier peaks, and returns what is resident, in KiB."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/clear_refs", "w") as control:
        control.write("5")
    return status_kib("VmRSS:")


def setting(matmul):
    """What differs from PyTorch as installed."""
    parts = [f"matmul {matmul}"] if matmul else []
    if os.environ.get("MALLOC_MMAP_MAX_") == "0":
        parts.append("allocator")
    return " + ".join(parts) or "as installed"


def measure(name, flags):
    """Runs one case and returns its record, which has the fields of the Rust benches."""
    run = CASES[name]()
    before = restart_peak()
    for _ in range(WARM_UP_CALLS):
        run()
    cpu, wall, start = [], [], time.perf_counter()
    while len(wall) < CALLS or time.perf_counter() - start < SECONDS:
        cpu_0, wall_0 = time.process_time(), time.perf_counter()
        run()
        wall.append((time.perf_counter() - wall_0) * 1e3)
        cpu.append((time.process_time() - cpu_0) * 1e3)
    deciles = statistics.quantiles(cpu, n=10, method="inclusive")
    return {
        "case": name,
        "by": "pytorch",
        "setting": setting(flags.matmul),
        "device": "cpu",
        "threads": flags.threads,
        "iterations": len(cpu),
        "cpu_ms": statistics.median(cpu),
        "cpu_p10_ms": deciles[0],
        "cpu_p90_ms": deciles[-1],
        "wall_ms": statistics.median(wall),
        "wall_min_ms": min(wall),
        "peak_growth_mb": (status_kib("VmHWM:") - before) * 1024 / 1e6,
        "rss_before_mb": before * 1024 / 1e6,
        "load": os.getloadavg()[0],
        "torch": torch.__version__,
    }


def line(record):
    return (
        f"{record['case']}: CPU {record['cpu_ms']:.2f} ms ({record['cpu_p10_ms']:.2f} to {record['cpu_p90_ms']:.2f}), "
        f"wall {record['wall_ms']:.2f} ms, peak growth {record['peak_growth_mb']:.1f} MB, "
        f"threads {record['threads']}, load {record['load']:.1f} [{record['setting']}]"
    )


# Attention


def sdpa_heads(size, **options):
    n_sequences, n_heads, seq_len, d_head = size
    return [torch.randn(n_sequences, n_heads, seq_len, d_head, **options) for _ in range(3)]


def sdpa_forward(size, causal):
    heads = sdpa_heads(size)

    def run():
        with torch.inference_mode():
            functional.scaled_dot_product_attention(*heads, is_causal=causal)

    return run


def sdpa_forward_backward(size, causal):
    heads = sdpa_heads(size, requires_grad=True)
    gradient = torch.ones_like(heads[0])

    def run():
        forget_gradients(heads)
        functional.scaled_dot_product_attention(*heads, is_causal=causal).backward(gradient)

    return run


def forget_gradients(tensors):
    for tensor in tensors:
        tensor.grad = None


ATTENTION_SIZES = [(32, 4, 128, 32), (8, 4, 1024, 32), (1, 8, 4096, 64), (1, 1, 16384, 64)]
DIRECTIONS = [("full", False), ("causal", True)]

for size in ATTENTION_SIZES:
    text = "b{}_h{}_l{}_d{}".format(*size)
    for direction, causal in DIRECTIONS:
        case(f"attention/{direction}_forward/{text}", size, causal)(sdpa_forward)
        case(f"attention/{direction}_forward_backward/{text}", size, causal)(sdpa_forward_backward)

N_BUCKETS = 32


@case("attention/causal_relative_position_forward_backward/b32_h4_l128_d32")
def relative_position():
    """The bucket of a distance does not change from batch to batch, so it is looked up before the clock starts."""
    positions = torch.arange(128)
    buckets = (positions[:, None] - positions).clamp(0, N_BUCKETS - 1)
    return biased(lambda: buckets[None])


@case("attention/causal_time_interval_forward_backward/b32_h4_l128_d32")
def time_interval():
    """Each batch has its own times, so buckets are part of the step."""
    minutes = torch.arange(32 * 128) % 60 + 1
    times = (minutes * 60_000).cumsum(0).view(32, 128)

    def buckets():
        seconds = (times[:, :, None] - times[:, None, :]).abs() // 1000
        # frexp's exponent is the number of bits of an integer.
        return torch.frexp(seconds.double())[1].long().clamp(max=N_BUCKETS - 1)

    return biased(buckets)


def biased(buckets):
    heads = sdpa_heads((32, 4, 128, 32), requires_grad=True)
    table = torch.randn(N_BUCKETS, 4, requires_grad=True)
    gradient = torch.ones_like(heads[0])
    future = torch.full((128, 128), -math.inf).triu(1)

    def run():
        forget_gradients([*heads, table])
        bias = table[buckets()].permute(0, 3, 1, 2) + future
        functional.scaled_dot_product_attention(*heads, attn_mask=bias).backward(gradient)

    return run


def multi_head_forward_backward(n_sequences, seq_len, causal):
    module = nn.MultiheadAttention(128, 4, batch_first=True)
    rows = torch.randn(n_sequences, seq_len, 128, requires_grad=True)
    gradient = torch.ones_like(rows)
    mask = nn.Transformer.generate_square_subsequent_mask(seq_len) if causal else None

    def run():
        module.zero_grad(set_to_none=True)
        forget_gradients([rows])
        output, _ = module(rows, rows, rows, need_weights=False, attn_mask=mask, is_causal=causal)
        output.backward(gradient)

    return run


for n_sequences, seq_len in [(32, 128), (8, 1024)]:
    for direction, causal in DIRECTIONS:
        name = f"attention/multi_head_{direction}_forward_backward/b{n_sequences}_l{seq_len}_d128_h4"
        case(name, n_sequences, seq_len, causal)(multi_head_forward_backward)


@case("prediction/multi_head_forward/b32_l128_d128_h4")
def multi_head_forward():
    module = nn.MultiheadAttention(128, 4, batch_first=True).eval()
    rows = torch.randn(32, 128, 128)

    def run():
        with torch.inference_mode():
            module(rows, rows, rows, need_weights=False)

    return run


# Encoder

ENCODER_SIZE = "b32_l128_d128_h4_ff512"


@case(f"encoder/post_relu_forward_backward/{ENCODER_SIZE}", False, False)
@case(f"encoder/pre_gelu_forward_backward/{ENCODER_SIZE}", True, False)
@case(f"encoder/post_relu_ragged_forward_backward/{ENCODER_SIZE}", False, True)
@case(f"encoder/pre_gelu_ragged_forward_backward/{ENCODER_SIZE}", True, True)
def encoder(norm_first, ragged):
    activation = "gelu" if norm_first else "relu"
    layer = nn.TransformerEncoderLayer(128, 4, 512, 0.1, activation, batch_first=True, norm_first=norm_first)
    norm = nn.LayerNorm(128) if norm_first else None
    module = nn.TransformerEncoder(layer, 2, norm, enable_nested_tensor=False).train()
    rows = torch.randn(32, 128, 128, requires_grad=True)
    gradient = torch.ones_like(rows)
    padding = None
    if ragged:
        lengths = torch.tensor([math.ceil(128 * ((i + 0.5) / 32) ** 2) for i in range(32)])
        padding = torch.arange(128) >= lengths[:, None]
        gradient = gradient * ~padding[:, :, None]

    def run():
        module.zero_grad(set_to_none=True)
        forget_gradients([rows])
        module(rows, src_key_padding_mask=padding).backward(gradient)

    return run


# SASRec

BATCH_SIZE, D_MODEL, N_HEADS, N_ITEMS, N_NEGATIVES, N_BATCHES = 128, 64, 2, 3417, 256, 4


def history_lengths(quantile, longest):
    shares = [(i + 0.5) / BATCH_SIZE for i in range(BATCH_SIZE)]
    return [min(int(quantile(share)), longest) for share in shares]


MOVIELENS = history_lengths(lambda share: math.floor(20 - 107 * math.log(1 - share) + 0.5), 200)
SHOP = history_lengths(lambda share: math.ceil(-8.5 * math.log(1 - share)), 50)


def sasrec_model(n_items, seq_len, dropout=0.2, sparse=False):
    """A causal pre-norm encoder of two blocks over item and position vectors."""

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention_norm, self.feed_forward_norm = nn.LayerNorm(D_MODEL), nn.LayerNorm(D_MODEL)
            self.project, self.join = nn.Linear(D_MODEL, 3 * D_MODEL), nn.Linear(D_MODEL, D_MODEL)
            self.inner, self.outer = nn.Linear(D_MODEL, D_MODEL), nn.Linear(D_MODEL, D_MODEL)
            self.dropout = nn.Dropout(dropout)

        def attend(self, rows):
            batch, length, _ = rows.shape
            parts = self.project(rows).chunk(3, dim=-1)
            heads = [part.view(batch, length, N_HEADS, -1).transpose(1, 2) for part in parts]
            probability = dropout if self.training else 0.0
            context = functional.scaled_dot_product_attention(*heads, dropout_p=probability, is_causal=True)
            return self.join(context.transpose(1, 2).flatten(2))

        def forward(self, rows):
            rows = rows + self.dropout(self.attend(self.attention_norm(rows)))
            inner = self.dropout(self.inner(self.feed_forward_norm(rows)).relu())
            return rows + self.dropout(self.outer(inner))

    class SasRec(nn.Module):
        def __init__(self):
            super().__init__()
            self.items = nn.Embedding(n_items + 1, D_MODEL, padding_idx=0, sparse=sparse)
            nn.init.normal_(self.items.weight, std=0.02)
            self.positions = nn.Parameter(torch.randn(seq_len, D_MODEL) * 0.02)
            self.dropout = nn.Dropout(dropout)
            self.blocks = nn.Sequential(Block(), Block())
            self.norm = nn.LayerNorm(D_MODEL)

        def forward(self, items):
            rows = self.items(items) * D_MODEL**0.5 + self.positions[: items.shape[1]]
            return self.norm(self.blocks(self.dropout(rows)))

    return SasRec()


def batches(n_items, seq_len, lengths):
    """Items and the item after each, 0 where a history has ended."""

    def batch():
        items = torch.randint(1, n_items + 1, (BATCH_SIZE, seq_len + 1))
        inputs, targets = items[:, :-1].clone(), items[:, 1:].clone()
        ended = torch.arange(seq_len) >= torch.tensor(lengths)[:, None]
        return inputs.masked_fill_(ended, 0), targets.masked_fill_(ended, 0)

    return [batch() for _ in range(N_BATCHES)]


def training(model, optimisers, loss, steps):
    """Runs the batches of `steps` in turn."""
    turn = 0

    def run():
        nonlocal turn
        items, targets = steps[turn % N_BATCHES]
        turn += 1
        for optimiser in optimisers:
            optimiser.zero_grad(set_to_none=True)
        loss(model(items), targets).backward()
        for optimiser in optimisers:
            optimiser.step()

    return run


def full_softmax(lengths, seq_len, picked):
    """`picked` makes logits where there is a target only, which a user may do who knows that logits cost most."""
    model = sasrec_model(N_ITEMS, seq_len).train()
    table = model.items.weight

    def loss(hidden, targets):
        hidden, targets = hidden.flatten(0, 1), targets.flatten()
        if picked:
            real = targets > 0
            hidden, targets = hidden[real], targets[real]
        return functional.cross_entropy(hidden @ table.t(), targets, ignore_index=0)

    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    return training(model, [optimiser], loss, batches(N_ITEMS, seq_len, lengths))


case("training_step/full/b128_l200_d64_i3417", [200] * BATCH_SIZE, 200, False)(full_softmax)
case("training_step/movielens/b128_l200_d64_i3417", MOVIELENS, 200, False)(full_softmax)
case("training_step/movielens_picked/b128_l200_d64_i3417", MOVIELENS, 200, True)(full_softmax)
case("training_step/shop/b128_l50_d64_i3417", SHOP, 50, False)(full_softmax)
case("training_step/shop_picked/b128_l50_d64_i3417", SHOP, 50, True)(full_softmax)


@case("training_step/sampled/b128_l200_d64_i100000", 100_000)
@case("training_step/sampled/b128_l200_d64_i1000000", 1_000_000)
def sampled_softmax(n_items):
    """Softmax over the target and negatives that the batch shares; the item table has sparse gradients."""
    model = sasrec_model(n_items, 200, sparse=True).train()
    table = model.items.weight

    def loss(hidden, targets):
        negatives = torch.randint(1, n_items + 1, (N_NEGATIVES,))
        own = (hidden * model.items(targets)).sum(-1, keepdim=True)
        others = hidden @ model.items(negatives).t()
        others = others.masked_fill(targets[..., None] == negatives, -math.inf)
        return (torch.cat([own, others], -1).logsumexp(-1) - own.squeeze(-1)).mean()

    rest = [weight for weight in model.parameters() if weight is not table]
    optimisers = [torch.optim.SparseAdam([table], lr=1e-3), torch.optim.Adam(rest, lr=1e-3)]
    return training(model, optimisers, loss, batches(n_items, 200, [200] * BATCH_SIZE))


@case("prediction/encode/b1_l50_d64", 1)
@case("prediction/encode/b256_l50_d64", 256)
def encode(n_histories):
    model = sasrec_model(N_ITEMS, 200).eval()
    items = torch.randint(1, N_ITEMS + 1, (n_histories, 50))

    def run():
        with torch.inference_mode():
            model(items)[:, -1]

    return run


# CTR prediction

CTR_BATCH_SIZE, CTR_WIDTH, CTR_HEADS, CTR_LAYERS = 4096, 16, 2, 3
FRAPPE = [957, 4082, 7, 7, 2, 3, 2, 9, 80, 233]


def criteo_sizes(total=1_000_000):
    """13 fields of 100 values, and 26 whose numbers of values grow geometrically to `total` in all."""
    weights = [10 ** (0.6 + (5.35 - 0.6) * field / 25) for field in range(26)]
    share = (total - 1300) / sum(weights)
    sizes = [100] * 13 + [max(int(weight * share), 4) for weight in weights]
    sizes[-1] += total - sum(sizes)
    return sizes


def autoint_plus(sizes, sparse):
    """Self-attention over the vectors of the fields beside an MLP and a weight a value; ids count on from field to field."""

    class Interacting(nn.Module):
        def __init__(self):
            super().__init__()
            # One product for query, key, value and residual, which is faster than four.
            self.project = nn.Linear(CTR_WIDTH, 4 * CTR_WIDTH, bias=False)

        def forward(self, rows):
            *heads, kept = self.project(rows).chunk(4, -1)
            heads = [part.unflatten(-1, (CTR_HEADS, -1)).transpose(1, 2) for part in heads]
            context = functional.scaled_dot_product_attention(*heads)
            return functional.relu(context.transpose(1, 2).flatten(2) + kept)

    class AutoIntPlus(nn.Module):
        def __init__(self):
            super().__init__()
            self.vectors = nn.Embedding(sum(sizes), CTR_WIDTH, sparse=sparse)
            self.weights = nn.Embedding(sum(sizes), 1, sparse=sparse)
            self.layers = nn.Sequential(*(Interacting() for _ in range(CTR_LAYERS)))
            self.output = nn.Linear(len(sizes) * CTR_WIDTH, 1)
            self.deep = nn.Sequential(
                nn.Linear(len(sizes) * CTR_WIDTH, 400), nn.ReLU(), nn.Linear(400, 400), nn.ReLU(), nn.Linear(400, 1)
            )

        def forward(self, ids):
            rows = self.vectors(ids)
            logits = self.output(self.layers(rows).flatten(1)) + self.deep(rows.flatten(1))
            return (logits + self.weights(ids).sum(1)).squeeze(-1)

    return AutoIntPlus()


def impressions(sizes):
    firsts = torch.tensor([0] + sizes[:-1]).cumsum(0)
    columns = [torch.randint(0, size, (CTR_BATCH_SIZE,)) for size in sizes]
    return torch.stack(columns, 1) + firsts, (torch.rand(CTR_BATCH_SIZE) < 0.3).float()


@case("ctr/train/frappe/b4096", FRAPPE, False)
@case("ctr/train/criteo/b4096", criteo_sizes(), True)
def ctr_step(sizes, sparse):
    """Large tables have sparse gradients, as dense ones take many times as long there."""
    model = autoint_plus(sizes, sparse).train()
    tables = [model.vectors.weight, model.weights.weight]
    rest = [weight for weight in model.parameters() if not (sparse and any(weight is table for table in tables))]
    optimisers = [torch.optim.Adam(rest, lr=1e-3)]
    if sparse:
        optimisers.append(torch.optim.SparseAdam(tables, lr=1e-3))
    steps = [impressions(sizes) for _ in range(N_BATCHES)]
    return training(model, optimisers, functional.binary_cross_entropy_with_logits, steps)


@case("ctr/predict/frappe/b4096", FRAPPE)
@case("ctr/predict/criteo/b4096", criteo_sizes())
def ctr_predict(sizes):
    model = autoint_plus(sizes, False).eval()
    steps = [impressions(sizes)[0] for _ in range(N_BATCHES)]
    turn = 0

    def run():
        nonlocal turn
        turn += 1
        with torch.inference_mode():
            torch.sigmoid(model(steps[turn % N_BATCHES]))

    return run


# The best items


@case("prediction/top_100/u256_i1000000_d64", 256, 1_000_000, 1_000_000)
@case("prediction/top_100/u1_i1000000_d64", 1, 1_000_000, 1_000_000)
@case("prediction/top_100/u32_i100000_d64", 32, 100_000, 100_000)
@case("prediction/top_100_chunked/u256_i1000000_d64", 256, 1_000_000, 65_536)
@case("prediction/top_100_chunked/u1_i1000000_d64", 1, 1_000_000, 65_536)
@case("prediction/top_100_chunked/u32_i100000_d64", 32, 100_000, 65_536)
def top_k(n_users, n_items, chunk, k=100):
    """By chunks of the catalogue, so that the scores of all items are never held at once; or by one chunk."""
    users, table = torch.randn(n_users, D_MODEL), torch.randn(n_items, D_MODEL)

    def run():
        with torch.inference_mode():
            found = []
            for start in range(0, n_items, chunk):
                scores, ids = (users @ table[start : start + chunk].t()).topk(k)
                found.append((scores, ids + start))
            if len(found) > 1:
                scores, ids = (torch.cat(part, 1) for part in zip(*found))
                ids.gather(1, scores.topk(k)[1])

    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="REGEX", help="run the cases whose name matches")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--matmul", choices=["highest", "high", "medium"], help="torch.set_float32_matmul_precision")
    parser.add_argument("--json", default=os.environ.get("SALIENT_BENCH_JSON"), metavar="FILE", help="append lines here")
    parser.add_argument("--list", action="store_true", help="name the cases and leave")
    parser.add_argument("--case", help=argparse.SUPPRESS)  # run this one here
    flags = parser.parse_args()
    names = [name for name in CASES if re.search(flags.only, name)]
    if flags.list:
        print("\n".join(names))
    elif flags.case:
        run_here(flags)
    elif not names:
        sys.exit(f"no case matches {flags.only!r}: --list names them")
    else:
        program = [sys.executable, os.path.abspath(__file__), *sys.argv[1:], "--case"]
        codes = [subprocess.run([*program, name]).returncode for name in names]
        sys.exit(max(code != 0 for code in codes))


def run_here(flags):
    # Not at the head of the file, so that the process that starts the others, and --list, need no PyTorch.
    global torch, nn, functional
    import torch
    from torch import nn
    from torch.nn import functional

    torch.manual_seed(0)
    torch.set_num_threads(flags.threads)
    if flags.matmul:
        torch.set_float32_matmul_precision(flags.matmul)
    record = measure(flags.case, flags)
    print(line(record), flush=True)
    if flags.json:
        with open(flags.json, "a") as lines:
            lines.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
