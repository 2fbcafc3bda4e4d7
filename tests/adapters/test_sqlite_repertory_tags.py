from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from clincore.adapters.sqlite_repertory import read_tags
from clincore.domain.errors import RepertoryError
from clincore.domain.repertory import RubricTag

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "symptom_id,path,layer_type,flag_ailments_from,flag_delusions\n"


def written(directory: Path, text: str | bytes) -> Path:
    path = directory / "tags.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_tags_are_read_by_rubric(tmp_path: Path) -> None:
    """Layers in any letter case or empty; flags 1, 0, true, false or empty; a path may hold commas and line breaks."""
    path = written(
        tmp_path,
        HEADER + '12,"Mind > FEAR, of\nnight",MIND_CORE,1,0\n3,,mental_mod,TRUE,false\n\n5,x,,,1\r\n 7 ,x, Local ,, \n',
    )
    assert read_tags(path) == {
        12: RubricTag(bucket="MIND_CORE", ailments_from=True, delusions=False),
        3: RubricTag(bucket="MENTAL_MOD", ailments_from=True, delusions=False),
        5: RubricTag(bucket=None, ailments_from=False, delusions=True),
        7: RubricTag(bucket="LOCAL", ailments_from=False, delusions=False),
    }


def test_columns_in_any_order_and_a_byte_order_mark(tmp_path: Path) -> None:
    """As spreadsheets write it."""
    text = "\ufeffFlag_Delusions,note,symptom_id,path,flag_ailments_from,layer_type\n1,mine,9,,0,generals\n"
    assert read_tags(written(tmp_path, text)) == {9: RubricTag(bucket="GENERALS", delusions=True)}


def test_a_file_without_rows_has_no_tags(tmp_path: Path) -> None:
    """The header alone is a tags file."""
    assert read_tags(written(tmp_path, HEADER)) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: the column symptom_id is not there"),
        ("symptom_id;path;layer_type\n", "line 1: the column symptom_id is not there"),
        ("symptom_id,path,layer_type,flag_ailments_from\n", "line 1: the column flag_delusions is not there"),
        (HEADER.replace("path", "symptom_id"), "line 1: the column symptom_id is twice there"),
        (HEADER + "1,x,LOCAL,0\n", "line 2: has 4 fields, the header has 5"),
        (HEADER + "1,x,LOCAL,0,0\n1,x,LOCAL,0,0\n", "line 3, symptom_id: 1 stands twice"),
        (HEADER + "x,x,LOCAL,0,0\n", "line 2, symptom_id: 'x' is not a whole number"),
        (HEADER + "0,x,LOCAL,0,0\n", "line 2, symptom_id: '0' is not a whole number"),
        (HEADER + ",x,LOCAL,0,0\n", "line 2, symptom_id: '' is not a whole number"),
        (HEADER + "9007199254740992,x,LOCAL,0,0\n", "line 2, symptom_id: '9007199254740992' is not"),
        (HEADER + "1,x,MIND,0,0\n", "line 2, layer_type: 'MIND' is none of MIND_CORE, MENTAL_MOD, PHYSICAL_MOD"),
        (HEADER + "1,x,LOCAL,yes,0\n", "line 2, flag_ailments_from: 'yes' is none of"),
        (HEADER + "1,x,LOCAL,0,2\n", "line 2, flag_delusions: '2' is none of"),
        (HEADER + '1,"x,LOCAL,0,0\n', "line 2: is not CSV"),
        (HEADER.encode() + b"1,\xff,LOCAL,0,0\n", "it is not UTF-8"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str | bytes, words: str) -> None:
    """With file, line and column; nothing is guessed."""
    path = written(tmp_path, text)
    with pytest.raises(RepertoryError) as refused:
        read_tags(path)
    assert str(refused.value).startswith(str(path))
    assert words in str(refused.value)


def test_a_missing_tags_file(tmp_path: Path) -> None:
    """The message names it."""
    with pytest.raises(RepertoryError, match="No such file"):
        read_tags(tmp_path / "none.csv")
