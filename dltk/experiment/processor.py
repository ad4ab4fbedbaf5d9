"""The processor, by what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

AMD = "AuthenticAMD"
FULL_WIDTH_FAMILY = 26
"""The first AMD family (Zen 5) that computes 512 bits at once; earlier ones take two halves in turn."""


@dataclass(frozen=True)
class Processor:
    """A processor's maker, its family, and what it can do; empty where that is not told."""

    vendor: str = ""
    family: int = 0
    model: int = 0
    flags: frozenset[str] = frozenset()

    @classmethod
    def told(cls, text: str) -> Processor:
        """Read the first processor of what Linux tells in /proc/cpuinfo."""
        lines = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
        facts = {name.strip(): value.strip() for name, _, value in lines}
        numbers = [facts.get(name, "") for name in ("cpu family", "model")]
        family, model = (int(number) if number.isdecimal() else 0 for number in numbers)
        return cls(facts.get("vendor_id", ""), family, model, frozenset(facts.get("flags", "").split()))

    @property
    def has_slow_products(self) -> bool:
        """Whether MKL multiplies float32 at half the processor's speed: on AMD it takes kernels of 256 bits."""
        return self.vendor == AMD and self.family >= FULL_WIDTH_FAMILY and self.has_bf16 and not self.has_matrix_unit

    @property
    def has_wide_registers(self) -> bool:
        """Whether its registers hold 512 bits, sixteen numbers of float32."""
        return "avx512f" in self.flags

    @property
    def has_bf16(self) -> bool:
        """Whether it multiplies bf16."""
        return "avx512_bf16" in self.flags

    @property
    def has_matrix_unit(self) -> bool:
        """Whether it multiplies bf16 by tiles, which oneDNN then does in place of float32."""
        return any(flag.startswith("amx") for flag in self.flags)

    def __str__(self) -> str:
        return f"{self.vendor} family {self.family} model {self.model}" if self.vendor else ""


@cache
def this_processor() -> Processor:
    """Return the processor of this machine."""
    try:
        return Processor.told(Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        return Processor()
