"""The network: LSTM, additive attention over time, one probability. Scaler and calibration are inside.

Source: Hochreiter & Schmidhuber (1997); Bahdanau et al. (2015), "Neural Machine Translation by Jointly
Learning to Align and Translate", for the additive attention; Feng et al. (2019), arXiv:1810.09936, for
the two joined over a window of prices.
"""

import torch
from torch import Tensor, nn

from trading_system.data_pipeline.normalizers.scaler import Scaler


class DirectionNetwork(nn.Module):
    """From a window of raw features to the probability that the price stands higher at the horizon.

    B windows, T rows, F features, H hidden.
    """

    low: Tensor
    high: Tensor
    middle: Tensor
    stretch: Tensor
    temperature: Tensor

    def __init__(self, scaler: Scaler, *, hidden: int, dropout: float, layers: int = 1) -> None:
        super().__init__()
        low, high = torch.tensor(scaler.low, dtype=torch.float64), torch.tensor(scaler.high, dtype=torch.float64)
        width = high - low
        bounds = {
            "low": low,
            "high": high,
            "middle": (low + high) / 2.0,
            "stretch": torch.where(width > 0.0, 2.0 / width, 0.0),  # a feature that never moved says nothing
            "temperature": torch.ones(()),
        }
        for name, value in bounds.items():
            self.register_buffer(name, value.to(torch.float32))
        between = dropout if layers > 1 else 0.0  # torch leaves things out between two layers, and warns of one
        self.lstm = nn.LSTM(len(scaler.low), hidden, layers, batch_first=True, dropout=between)
        self.align = nn.Linear(hidden, hidden)
        self.weigh = nn.Linear(hidden, 1, bias=False)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(2 * hidden, 1)

    def logits(self, x: Tensor) -> Tensor:
        """Return the uncalibrated log-odds of a rise, (B, T, F) -> (B,)."""
        x = torch.minimum(torch.maximum(x, self.low), self.high)
        x = (x - self.middle) * self.stretch  # (B, T, F), -1..1
        h, _ = self.lstm(x)  # (B, T, F) -> (B, T, H)
        score = self.weigh(torch.tanh(self.align(h)))  # (B, T, H) -> (B, T, 1)
        share = torch.softmax(score, dim=1)  # (B, T, 1), sums to 1 over T
        context = (share * h).sum(dim=1)  # (B, T, H) -> (B, H)
        joined = torch.cat((h[:, -1], context), dim=1)  # (B, 2H)
        odds: Tensor = self.head(self.drop(joined))  # (B, 2H) -> (B, 1)
        return odds.squeeze(1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the calibrated probability of a rise, (B, T, F) -> (B,)."""
        return torch.sigmoid(self.logits(x) / self.temperature)
