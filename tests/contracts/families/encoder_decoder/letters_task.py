"""Translation: taught with the true beginning of each answer, scored by what is spelled without one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor
from torch.nn.functional import cross_entropy, pad
from torch.nn.utils.rnn import pad_sequence

from dltk.data.batches import Batch, Batches
from dltk.data.samples import Preparation
from dltk.data.specs import Spec, Tokens
from dltk.data.splits import Splits
from dltk.training.learner import Learner, learner_for
from dltk.training.optimization import OptimizationSettings
from dltk.training.session import Session
from dltk.training.task import Answer, CannotAnswer, Direction, Evaluation, Needs, Request, TaskConfig

PAD, START, LONGEST = 0, 1, 6


class Config(TaskConfig):
    needs: ClassVar[Needs] = Needs(targets=(Tokens,), roles=("sequence_to_sequence",))


@dataclass(frozen=True)
class Translation:
    vocabulary: tuple[str, ...]
    scores: ClassVar[Mapping[str, Direction]] = {"exact": "max"}

    def learner(self, model: Any, settings: OptimizationSettings, session: Session) -> Learner:
        return learner_for(model, taught, settings, session)

    def evaluate(self, model: Any, batches: Batches) -> Evaluation:
        answers = [word for batch in batches.epoch(0) for word in self.decoded(model, batch)]
        truth = [self.word(tokens) for batch in batches.epoch(0) for tokens in padded(batch.targets)]
        right = sum(answer == word for answer, word in zip(answers, truth, strict=True))
        return Evaluation({"exact": right / len(truth)}, len(truth), "share of sequences without a mistake")

    def answer(self, model: Any, batches: Batches | None, request: Request) -> Iterable[Answer]:
        if batches is None:
            raise CannotAnswer("translation answers sequences: name some")
        return [[{"answer": word}] for batch in batches.epoch(0) for word in self.decoded(model, batch)]

    def pictures(self, evaluation: Evaluation) -> Mapping[str, Any]:
        return {}

    def baselines(self, splits: Splits) -> Mapping[str, Evaluation]:
        return {}

    def decoded(self, model: Any, batch: Batch) -> list[str]:
        inputs: Any = batch.inputs
        return [self.word(tokens) for tokens in model.spelled(padded(inputs), inputs.lengths, START, LONGEST)]

    def word(self, tokens: Tensor) -> str:
        return "".join(self.vocabulary[token] for token in tokens.tolist()).partition("<end>")[0]


def taught(model: Any, batch: Batch) -> Tensor:
    inputs: Any = batch.inputs
    target = padded(batch.targets)
    logits = model(padded(inputs), inputs.lengths, pad(target[:, :-1], (1, 0), value=START))
    return cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=PAD)


def padded(sequences: Any) -> Tensor:
    return pad_sequence(sequences.values.split(sequences.lengths.tolist()), batch_first=True, padding_value=PAD)


def build(config: Config, spec: Spec, preparation: Preparation) -> Translation:
    assert isinstance(spec.target, Tokens)
    return Translation(spec.target.vocabulary)
