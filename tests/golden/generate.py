"""Writes the golden values that tests compare with.

PyTorch 2.15.0 on the CPU, one thread, fixed seeds:

    python tests/golden/generate.py

needs torch, and safetensors for the recommender. Every file states the version that wrote it. A tensor is written as its
shape and its values, the last axis fastest. Weights keep PyTorch's names and layout; the tests map both.
"""

import json
import math
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

HERE = pathlib.Path(__file__).parent


def tensor(value):
    value = value.detach().float()
    return {"shape": list(value.shape), "values": [float(f"{x:.9g}") for x in value.flatten().tolist()]}


def weights(module):
    return {name: tensor(value) for name, value in module.state_dict().items()}


def disturb(module):
    """Moves every weight away from ones and zeros, so that none can be forgotten."""
    with torch.no_grad():
        for value in module.parameters():
            value.add_(torch.randn_like(value) * 0.1)
    return module.eval()


def write(name, cases):
    cases = {"implementation": f"PyTorch {torch.__version__}", **cases}
    (HERE / f"{name}.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")


def padding(lengths, seq_len):
    """True hides, as in nn.MultiheadAttention."""
    return torch.arange(seq_len)[None, :] >= torch.tensor(lengths)[:, None]


def causal(seq_len):
    return torch.ones(seq_len, seq_len, dtype=torch.bool).triu(1)


def scaled_dot_product():
    torch.manual_seed(1)
    query, key, value = torch.randn(2, 3, 5, 7), torch.randn(2, 3, 11, 7), torch.randn(2, 3, 11, 7)
    square_key, square_value = key[:, :, :5], value[:, :, :5]
    lengths = [4, 11]
    hidden = padding(lengths, 11)[:, None, None, :]
    return {
        "query": tensor(query),
        "key": tensor(key),
        "value": tensor(value),
        "key_lengths": lengths,
        "output": tensor(F.scaled_dot_product_attention(query, key, value)),
        "output_padded": tensor(F.scaled_dot_product_attention(query, key, value, attn_mask=~hidden)),
        "output_causal_first_five_keys": tensor(
            F.scaled_dot_product_attention(query, square_key, square_value, is_causal=True)
        ),
        "output_scale_2": tensor(F.scaled_dot_product_attention(query, key, value, scale=2.0)),
    }


def self_attention():
    torch.manual_seed(2)
    module = disturb(nn.MultiheadAttention(15, 3, batch_first=True))
    x, lengths = torch.randn(2, 7, 15), [4, 7]
    hidden = padding(lengths, 7)
    padded, padded_weights = module(x, x, x, key_padding_mask=hidden, average_attn_weights=False)
    both, both_weights = module(
        x, x, x, key_padding_mask=hidden, attn_mask=causal(7), average_attn_weights=False
    )
    return {
        "weights": weights(module),
        "input": tensor(x),
        "lengths": lengths,
        "output_padded": tensor(padded),
        "weights_padded": tensor(padded_weights),
        "output_padded_causal": tensor(both),
        "weights_padded_causal": tensor(both_weights),
    }


def cross_attention():
    torch.manual_seed(3)
    module = disturb(nn.MultiheadAttention(15, 3, kdim=11, vdim=11, batch_first=True))
    x, context, lengths = torch.randn(2, 5, 15), torch.randn(2, 7, 11), [3, 7]
    output, attention_weights = module(
        x, context, context, key_padding_mask=padding(lengths, 7), average_attn_weights=False
    )
    return {
        "weights": weights(module),
        "query": tensor(x),
        "context": tensor(context),
        "context_lengths": lengths,
        "output": tensor(output),
        "attention_weights": tensor(attention_weights),
    }


def blocks():
    cases = {}
    for seed, (order, activation) in enumerate(
        [("pre", "relu"), ("pre", "gelu"), ("post", "relu"), ("post", "gelu")]
    ):
        torch.manual_seed(10 + seed)
        module = disturb(
            nn.TransformerEncoderLayer(
                10, 2, 13, dropout=0.1, activation=activation, batch_first=True, norm_first=order == "pre"
            )
        )
        x, lengths = torch.randn(2, 7, 10), [7, 3]
        cases[f"{order}_{activation}"] = {
            "weights": weights(module),
            "input": tensor(x),
            "lengths": lengths,
            "output": tensor(module(x, src_key_padding_mask=padding(lengths, 7))),
        }
    return cases


def stack():
    torch.manual_seed(20)
    layer = nn.TransformerEncoderLayer(
        10, 2, 13, dropout=0.1, activation="gelu", batch_first=True, norm_first=True
    )
    module = disturb(nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(10), enable_nested_tensor=False))
    x, lengths = torch.randn(2, 7, 10), [7, 5]
    return {
        "weights": weights(module),
        "input": tensor(x),
        "lengths": lengths,
        "output_causal": tensor(module(x, mask=causal(7), src_key_padding_mask=padding(lengths, 7))),
    }


def feed_forward():
    """silu(x Gate) * (x Value), gate and value in one projection, the gate first; and plain SiLU."""
    cases = {}
    for seed, (name, d_up) in enumerate([("swiglu", 22), ("silu", 11)]):
        torch.manual_seed(25 + seed)
        module = disturb(nn.ModuleDict({"up": nn.Linear(7, d_up), "down": nn.Linear(11, 7)}))
        x = torch.randn(5, 7)
        inner = module["up"](x)
        if name == "swiglu":
            gate, value = inner.chunk(2, -1)
            inner = F.silu(gate) * value
        else:
            inner = F.silu(inner)
        cases[name] = {"weights": weights(module), "input": tensor(x), "output": tensor(module["down"](inner))}
    return cases


def norms():
    torch.manual_seed(30)
    rms, layer = disturb(nn.RMSNorm(7, eps=1e-6)), disturb(nn.LayerNorm(7))
    x = torch.randn(5, 7) * 3 + 1
    return {
        "input": tensor(x),
        "rms": {"weights": weights(rms), "epsilon": 1e-6, "output": tensor(rms(x))},
        "layer": {"weights": weights(layer), "epsilon": 1e-5, "output": tensor(layer(x))},
    }


def rotate(x, positions, base=10_000.0):
    """Rotary positions as complex products: coordinates i and i + d/2 are one complex number."""
    half = x.shape[-1] // 2
    frequency = base ** (-torch.arange(half, dtype=torch.float64) / half)
    turn = torch.exp(1j * positions.double()[:, None, None] * frequency)
    turned = torch.complex(x[..., :half].double(), x[..., half:].double()) * turn
    return torch.cat([turned.real, turned.imag], -1)


def sinusoidal(positions, width, base=10_000.0):
    table = torch.zeros(len(positions), width, dtype=torch.float64)
    frequency = torch.exp(-math.log(base) * torch.arange(0, width, 2, dtype=torch.float64) / width)
    angles = positions.double()[:, None] * frequency
    table[:, 0::2] = angles.sin()
    table[:, 1::2] = angles.cos()[:, : width // 2]
    return table


def positions():
    torch.manual_seed(40)
    x, at = torch.randn(5, 3, 14), torch.tensor([0, 1, 2, 7, 1000])
    return {
        "rotary": {"input": tensor(x), "positions": at.tolist(), "output": tensor(rotate(x, at))},
        "sinusoidal": {"n_positions": 11, "width": 7, "output": tensor(sinusoidal(torch.arange(11), 7))},
    }


class GatedBlock(nn.Module):
    """The layer of LiGR as eSASRec has it: sigmoid gates of the rows before the norm, SwiGLU inside."""

    def __init__(self, width, heads, inner):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.self_attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.linear1, self.linear2 = nn.Linear(width, 2 * inner), nn.Linear(inner, width)
        self.gate1, self.gate2 = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x, hidden):
        y = self.norm1(x)
        mixed, _ = self.self_attn(y, y, y, key_padding_mask=hidden, attn_mask=causal(x.shape[1]))
        x = x + torch.sigmoid(self.gate1(x)) * mixed
        gate, value = self.linear1(self.norm2(x)).chunk(2, -1)
        return x + torch.sigmoid(self.gate2(x)) * self.linear2(F.silu(gate) * value)


def gated_block():
    torch.manual_seed(60)
    module = disturb(GatedBlock(10, 2, 13))
    x, lengths = torch.randn(2, 7, 10), [7, 3]
    return {
        "weights": weights(module),
        "input": tensor(x),
        "lengths": lengths,
        "output": tensor(module(x, padding(lengths, 7))),
    }


class PointwiseBlock(nn.Module):
    """A layer of HSTU, equations 1 to 3: one projection for gate, value, query and key; a bias by distance in rows."""

    def __init__(self, width, heads, divisor, distances):
        super().__init__()
        self.heads, self.divisor = heads, divisor
        self.uvqk, self.out = nn.Linear(width, 4 * width, bias=False), nn.Linear(width, width, bias=False)
        self.distance = nn.Parameter(torch.randn(distances, heads))

    def forward(self, x, hidden):
        seq_len, width = x.shape[1:]
        gate, *split = F.silu(self.uvqk(F.layer_norm(x, [width], eps=1e-6))).chunk(4, -1)
        value, query, key = (part.unflatten(-1, (self.heads, -1)) for part in split)
        at = torch.arange(seq_len)
        distance = (at[:, None] - at[None, :]).clamp(0, len(self.distance) - 1)
        scores = torch.einsum("bnhd,bmhd->bhnm", query, key) + self.distance[distance].permute(2, 0, 1)
        mixed = F.silu(scores) / self.divisor * (~causal(seq_len) & ~hidden[:, None, None, :])
        context = torch.einsum("bhnm,bmhd->bnhd", mixed, value).flatten(2)
        return x + self.out(F.layer_norm(context, [width], eps=1e-6) * gate), mixed


def pointwise_block():
    torch.manual_seed(70)
    module = disturb(PointwiseBlock(10, 2, 20, 4))
    x, lengths = torch.randn(2, 7, 10), [7, 3]
    output, mixed = module(x, padding(lengths, 7))
    return {
        "weights": weights(module),
        "input": tensor(x),
        "lengths": lengths,
        "output": tensor(output),
        "attention_weights": tensor(mixed),
    }


class RecommenderBlock(nn.Module):
    """A pre-norm block with one projection for query, key and value."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.n1, self.n2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x, visible):
        split = [part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.qkv(self.n1(x)).chunk(3, -1)]
        mixed = F.scaled_dot_product_attention(*split, attn_mask=visible)
        x = x + self.out(mixed.transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.n2(x))))


class Recommender(nn.Module):
    """A SASRec that pads on the left; item 0 is padding."""

    def __init__(self, n_items, max_len, width, heads, layers):
        super().__init__()
        self.item = nn.Embedding(n_items + 1, width, padding_idx=0)
        self.pos = nn.Parameter(torch.randn(max_len, width))
        self.blocks = nn.ModuleList(RecommenderBlock(width, heads) for _ in range(layers))
        self.first, self.norm = nn.LayerNorm(width), nn.LayerNorm(width)
        # Buffers are saved beside the weights, so who reads the file has to skip them.
        self.register_buffer("tri", ~causal(max_len))
        self.register_buffer("eye", torch.eye(max_len, dtype=torch.bool))

    def forward(self, items):
        visible = ((items != 0)[:, None, :] & self.tri | self.eye)[:, None]
        x = self.first(self.item(items) + self.pos)
        for block in self.blocks:
            x = block(x, visible)
        return self.norm(x)


def recommender():
    torch.manual_seed(50)
    module = disturb(Recommender(n_items=11, max_len=7, width=8, heads=2, layers=2))
    items = torch.tensor([[0, 0, 0, 3, 1, 11, 5], [2, 9, 4, 4, 7, 10, 6]])
    state = {name: value.detach().contiguous() for name, value in module.state_dict().items()}
    save_file(state, HERE / "sasrec.safetensors", metadata={"implementation": f"PyTorch {torch.__version__}"})
    (HERE / "sasrec.safetensors").chmod(0o644)
    hidden = module(items)
    return {
        "about": "items pad on the left with 0; rows of hidden at padding mean nothing; scores = last hidden row x item table",
        "n_heads": 2,
        "items": items.tolist(),
        "lengths": [4, 7],
        "hidden": tensor(hidden),
        "scores": tensor(hidden[:, -1] @ module.item.weight.T),
    }


class Interacting(nn.Module):
    """A layer of AutoInt, after the equations of the paper."""

    def __init__(self, d_in, d_out, heads):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.residual = (nn.Linear(d_in, d_out, bias=False) for _ in range(4))

    def forward(self, x):
        q, k, v = (m(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for m in (self.query, self.key, self.value))
        mixed = (q @ k.transpose(2, 3)).softmax(-1) @ v
        return F.relu(mixed.transpose(1, 2).flatten(2) + self.residual(x))


class AutoInt(nn.Module):
    """AutoInt+ with a weight a value; all values in one table."""

    def __init__(self, n_values, n_fields):
        super().__init__()
        self.table, self.weights = nn.Embedding(n_values, 4), nn.Embedding(n_values, 1)
        self.layers = nn.ModuleList([Interacting(4, 6, 3), Interacting(6, 6, 3)])
        self.output = nn.Linear(n_fields * 6, 1, bias=False)
        widths = [n_fields * 4, 5, 3]
        maps = [part for i, o in zip(widths, widths[1:]) for part in (nn.Linear(i, o), nn.ReLU())]
        self.mlp = nn.Sequential(*maps, nn.Linear(3, 1, bias=False))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, ids):
        tokens = x = self.table(ids)
        for layer in self.layers:
            x = layer(x)
        logits = self.output(x.flatten(1)) + self.mlp(tokens.flatten(1)) + self.bias
        return logits + self.weights(ids).sum(1)


class Din(nn.Module):
    """A deep interest network with one history of the last field; all values in one table."""

    def __init__(self, n_values, n_fields):
        super().__init__()
        self.table = nn.Embedding(n_values, 4)
        self.unit = nn.Sequential(nn.Linear(16, 6), nn.SiLU(), nn.Linear(6, 1))
        self.mlp = nn.Sequential(nn.Linear((n_fields + 1) * 4, 5), nn.ReLU(), nn.Linear(5, 1, bias=False))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, ids, histories):
        logits = []
        for row, history in zip(ids, histories):
            tokens, events = self.table(row), self.table(history)
            query = tokens[-1].expand_as(events)
            weight = self.unit(torch.cat([query, events, query - events, query * events], -1))
            summed = (weight * events).sum(0)
            logits.append(self.mlp(torch.cat([tokens.flatten(), summed])) + self.bias)
        return torch.stack(logits)


def tabular_networks():
    torch.manual_seed(70)
    sizes = torch.tensor([5, 3, 7])
    autoint = disturb(AutoInt(15, 3))
    ids = (torch.rand(6, 3) * sizes).long()
    torch.manual_seed(71)
    din = disturb(Din(12, 2))
    shown = (torch.rand(4, 2) * sizes[[0, 2]]).long()
    lengths = [3, 0, 1, 5]
    histories = [(torch.rand(length) * 7).long() for length in lengths]
    ends = [sum(lengths[:i]) for i in range(len(lengths) + 1)]
    return {
        "about": "ids count from 0 in each field; the rows of a field follow those of the field before in the table",
        "autoint": {
            "weights": weights(autoint),
            "ids": ids.flatten().tolist(),
            "logits": tensor(autoint(ids + torch.tensor([0, 5, 8]))),
        },
        "din": {
            "weights": weights(din),
            "ids": shown.flatten().tolist(),
            "offsets": ends,
            "history": torch.cat(histories).tolist(),
            "logits": tensor(din(shown + torch.tensor([0, 5]), [history + 5 for history in histories])),
        },
    }


torch.set_num_threads(1)
# The fused path of nn.TransformerEncoderLayer computes the same in another order; the plain one is the reference.
torch.backends.mha.set_fastpath_enabled(False)
write("scaled_dot_product", scaled_dot_product())
write("self_attention", self_attention())
write("cross_attention", cross_attention())
write("blocks", blocks())
write("stack", stack())
write("feed_forward", feed_forward())
write("norms", norms())
write("positions", positions())
write("sasrec", recommender())
write("gated_block", gated_block())
write("pointwise_block", pointwise_block())
write("tabular_networks", tabular_networks())
