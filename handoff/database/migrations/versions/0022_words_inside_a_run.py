"""Where words are written without spaces between them, they are found inside of what is written

Each two letters that follow each other are a word of the index, and so is the last one of a run:
`東京都` is kept as `東京`, `京都`, `都`. They have no places, so that no text has too many.
"""

from collections.abc import Sequence
from importlib import import_module

from alembic import op

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# What this function was, and the texts that it is given.
before = import_module("handoff.database.migrations.versions.0018_words_to_find_a_handoff_by")

# Letters of scripts that put no space between words, or join to them what others write apart: Thai,
# Lao, Myanmar, Khmer, Chinese, Japanese, Korean. The rules that read what is looked for know the
# same (a test says so).
RUN = (
    r"\u0e01-\u0e3a\u0e40-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007"
    r"\u3041-\u309f\u30a1-\u30fa\u30fc-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f"
    r"\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
)

# Made of nothing but what stands here.
# ruff: noqa: S608
WORDS = f"""
CREATE OR REPLACE FUNCTION handoff_words(own text, told text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE AS $words$
DECLARE
    read_until integer := 300000;
    plain text;
    codes text[];
    pairs text[];
BEGIN
    LOOP
        -- What is longer than a vector may be is found by its beginning.
        BEGIN
            plain := translate(normalize(left(told, read_until), NFKC), $b${before.BETWEEN}$b$,
                               repeat(' ', {len(before.BETWEEN)}));
            IF plain ~ '[{RUN}]' THEN
                SELECT array_agg(DISTINCT rtrim(letter || following)) INTO pairs FROM (
                    SELECT letter, lead(letter, 1, ' ') OVER (ORDER BY place) AS following
                    FROM unnest(string_to_array(regexp_replace(plain, '[^{RUN}]+', ' ', 'g'), NULL))
                         WITH ORDINALITY AS found(letter, place)
                ) AS pair WHERE letter <> ' ';
                plain := regexp_replace(plain, '[{RUN}]+', ' ', 'g');
            END IF;
            -- Codes whole, too: of parts that come often, only the first places are kept.
            SELECT array_agg(DISTINCT code) INTO codes FROM (
                SELECT lower(btrim(part, '{before.WITHIN}')) AS code
                FROM string_to_table(plain || ' ' || translate(plain, '/:@', '   '), ' ') AS part
                WHERE length(part) BETWEEN 2 AND 120
                  AND part ~ '[-0-9{before.WITHIN.replace("-", "")}]'
            ) AS found WHERE length(code) > 1;
            RETURN array_to_tsvector(ARRAY[own])
                || to_tsvector('simple', translate(plain, '{before.WITHIN}',
                                                   repeat(' ', {len(before.WITHIN)})))
                || coalesce(array_to_tsvector(codes), ''::tsvector)
                || coalesce(array_to_tsvector(pairs), ''::tsvector);
        EXCEPTION WHEN program_limit_exceeded THEN
            read_until := read_until / 2;
        END;
    END LOOP;
END $words$
"""

# What is kept already is read anew where it has such letters; nobody writes meanwhile.
HOLD = "LOCK TABLE handoff_texts IN SHARE ROW EXCLUSIVE MODE"
HAS_RUNS = f"""
    concat_ws(' ', sessions.title, handoffs.resolution_note, handoffs.engineer_notes,
              conversation.said) ~ '[{RUN}]'
"""


def upgrade() -> None:
    op.execute(HOLD)
    _words(WORDS)
    op.execute(before.AGAIN.format(texts=before.TEXTS, which=HAS_RUNS))


def downgrade() -> None:
    op.execute(HOLD)
    _words(before.WORDS.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    op.execute(before.AGAIN.format(texts=before.TEXTS, which=HAS_RUNS))


def _words(made: str) -> None:
    op.execute(made)
    op.execute(before.PINNED.format("handoff_words(text, text)"))
