"""One step of the network: what a window model does with one more row, for lanes that began at different bars.

A sliding window begins anew at every bar, so no single state can be carried forward. One state for each window that
is still open can: each is a lane. Attention is kept as an online softmax, so that a lane stores no rows.

Source: Milakov & Gimelshein (2018), "Online normalizer calculation for softmax", arXiv:1805.02867.
"""

import math

import torch
from torch import Tensor, nn

from trading_system.core_ai.training.network import DirectionNetwork


class LaneStep(nn.Module):
    """From one row and the state of a lane to the next state, and to what the window that ends here says.

    B lanes, F features, L layers, H hidden, S = (2 L + 1) H + 2 numbers of state: the outputs h and the cells c of
    each layer; then of the attention the weighted sum of outputs v, the greatest score so far m and the sum of weights
    s, both relative to e^m. A fresh lane is all zeros, but m is -inf.
    """

    def __init__(self, network: DirectionNetwork) -> None:
        super().__init__()
        self.network = network
        lstm = network.lstm
        self.hidden, self.layers = lstm.hidden_size, lstm.num_layers
        for layer in range(self.layers):
            of = {name: getattr(lstm, f"{name}_l{layer}").detach() for name in ("weight_ih", "weight_hh")}
            bias = getattr(lstm, f"bias_ih_l{layer}").detach() + getattr(lstm, f"bias_hh_l{layer}").detach()
            # Side by side they are one matrix product: half the calls, and a row of weights is read once.
            self.register_buffer(f"weight_{layer}", torch.cat((of["weight_ih"], of["weight_hh"]), dim=1).T.contiguous())
            self.register_buffer(f"bias_{layer}", bias)

    @property
    def size(self) -> int:
        """S, how many numbers a lane's state has."""
        return (2 * self.layers + 1) * self.hidden + 2

    def fresh(self, lanes: int) -> Tensor:
        """Return the state of lanes that have seen nothing, (B, S)."""
        state = torch.zeros((lanes, self.size))
        state[:, -2] = -math.inf
        return state

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Return the probability of a rise, (B,), and the next state, (B, S), after row `x`, (B, F)."""
        network, hidden, layers = self.network, self.hidden, self.layers
        parts = torch.split(state, [hidden] * (2 * layers + 1) + [1, 1], dim=1)
        *lstm, v, m, s = parts
        x = torch.minimum(torch.maximum(x, network.low), network.high)
        h = (x - network.middle) * network.stretch  # (B, F), -1..1
        outputs, cells = [], []
        for layer in range(layers):
            weight, bias = getattr(self, f"weight_{layer}"), getattr(self, f"bias_{layer}")
            gates = torch.addmm(bias, torch.cat((h, lstm[layer]), dim=1), weight)  # (B, F or H + H) -> (B, 4H)
            i, f, g, o = torch.split(gates, [hidden] * 4, dim=1)  # torch's order: input, forget, cell, output
            c = torch.sigmoid(f) * lstm[layers + layer] + torch.sigmoid(i) * torch.tanh(g)  # (B, H)
            h = torch.sigmoid(o) * torch.tanh(c)  # (B, H)
            outputs.append(h)
            cells.append(c)
        score = network.weigh(torch.tanh(network.align(h)))  # (B, H) -> (B, 1)
        top = torch.maximum(m, score)
        fade, weight = torch.exp(m - top), torch.exp(score - top)  # e^-inf is 0: a fresh lane has nothing to fade
        s, v = s * fade + weight, v * fade + h * weight
        odds = network.head(torch.cat((h, v / s), dim=1)).squeeze(1)  # (B, 2H) -> (B,)
        return torch.sigmoid(odds / network.temperature), torch.cat((*outputs, *cells, v, top, s), dim=1)
