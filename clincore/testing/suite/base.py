"""A suite: a class of tests, one for each law of a port, that a few lines bind to an adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final
from unittest import SkipTest, TestCase

from hypothesis import Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from clincore.testing.suite.law import Ground, Law

WHOLE: Final = "test_every_law_is_checked_or_excused_with_a_reason"


class LawSuite(TestCase):
    """Every subclass gets a test ``test_<law>`` for each of ``laws``.

    ``excused`` maps the name of a law to the reason why the adapter is not held to it; the law's test is then skipped
    with that reason. A class that deletes or overrides a law's test, excuses one without a reason or one that does not
    exist, or has nothing left to check raises TypeError when it is made, or fails.
    """

    laws: ClassVar[Mapping[str, Law]] = {}
    excused: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, *, binds: bool = True, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not binds:
            return
        cls._require_honesty()
        for law in cls.laws.values():
            setattr(cls, f"test_{law.name}", _test_of(law))
        setattr(cls, WHOLE, _whole_of(dict(cls.laws)))

    def ground(self) -> Ground:
        """Return what the laws are checked on."""
        raise NotImplementedError

    @classmethod
    def promises(cls, capability: str) -> bool:
        """Whether the adapter declares a capability."""
        raise NotImplementedError(capability)

    @classmethod
    def _require_honesty(cls) -> None:
        tests = {f"test_{name}": name for name in cls.laws}
        for name in [*tests, WHOLE]:
            if name in vars(cls):
                cure = f"excuse it instead: excused = {{{tests.get(name, name)!r}: 'the reason'}}"
                raise TypeError(f"{cls.__name__} overrides {name}; {cure}")
        if vars(cls).get("__test__") is False or "laws" in vars(cls):
            raise TypeError(f"{cls.__name__} takes laws away; name in 'excused' those that do not hold, with a reason")
        for name, reason in cls.excused.items():
            if name not in cls.laws:
                raise TypeError(f"{cls.__name__} excuses {name!r}, which is no law; there are {', '.join(cls.laws)}")
            if not isinstance(reason, str) or not reason.strip():
                raise TypeError(f"{cls.__name__} excuses {name!r} without a reason")
        if not cls.laws.keys() - cls.excused.keys():
            raise TypeError(f"{cls.__name__} has no law left to check")


def _test_of(law: Law) -> Callable[[LawSuite], None]:
    def test(self: LawSuite) -> None:
        reason = self.excused.get(law.name)
        if reason is not None:
            raise SkipTest(f"excused: {reason}")
        if law.capability is not None and not self.promises(law.capability):
            _probe(self, law)
            return
        try:
            law.check(self.ground())
        except SkipTest:
            raise
        except Exception as error:
            error.add_note(f"{type(self).__name__} breaks a law of {law.port}: {law.says}")
            raise

    test.__name__ = f"test_{law.name}"
    test.__qualname__ = f"LawSuite.{test.__name__}"
    test.__doc__ = law.says
    test.law = law  # type: ignore[attr-defined]
    return test


def _probe(suite: LawSuite, law: Law) -> None:
    """Of a capability that is not declared: say so where it holds, and where it does not."""
    ground = suite.ground()
    try:
        law.check(ground, database=None, phases=[Phase.explicit, Phase.generate])
    except Exception as error:
        raise SkipTest(f"{law.capability} is not declared, and does not hold") from error
    raise SkipTest(f"holds, and {type(suite).__name__} does not declare it: Capabilities({law.capability}=True)")


def _whole_of(laws: Mapping[str, Law]) -> Callable[[LawSuite], None]:
    def test(self: LawSuite) -> None:
        """Every law of the port has its test, as it was made, or a reason why not."""
        for law in laws.values():
            found = getattr(type(self), f"test_{law.name}", None)
            assert getattr(found, "law", None) is law, f"{type(self).__name__} has lost the law {law.name}"

    test.__name__ = WHOLE
    return test
