//! The page's own arithmetic, as the browser runs it: captions, times, characters and differences, tried with chance against
//! what is plainly so.

use super::page::Page;

/// Asserts in an open page that what its modules compute is so. The chance is the same every time.
pub fn assert_computes(page: &Page) {
    page.promise(
        "
        const captions = await import('/assets/captions.js');
        const times = await import('/assets/times.js');
        const counts = await import('/assets/counts.js');
        const differences = await import('/assets/differences.js');
        let seed = 20261122;
        const below = n => (seed = (seed * 48271) % 2147483647) % n;
        const so = (holds, about) => { if (!holds) throw new Error(about); };
        const same = (a, b, about) => so(JSON.stringify(a) === JSON.stringify(b), `${about}: ${JSON.stringify(a)} ${JSON.stringify(b)}`);
        const vocabulary = ['drink', 'water.', '20', 'mg', 'not', 'für', 'راحة', 'Ruhe!'];
        for (let round = 0; round < 300; round++) {
            let at = 0;
            const given = Array.from({ length: 1 + below(5) }, () => {
                const words = Array.from({ length: 1 + below(6) }, () => {
                    const start = at;
                    at += 0.1 + below(5) / 10;
                    return { text: vocabulary[below(vocabulary.length)], start, end: at, marks: [], findings: [] };
                });
                at += below(3);
                return { start: words[0].start, end: words.at(-1).end, words };
            });
            const rows = captions.rowsOf(given);
            const before = JSON.stringify(rows);
            const all = list => list.map(captions.textOf).join(' ');
            const row = below(rows.length);
            const word = below(rows[row].words.length);
            const split = captions.splitAt(rows, row, word);
            if (split) {
                same(split.length, rows.length + 1, 'one more');
                same(all(split), all(rows), 'no word is lost');
                so(split[row].end <= split[row + 1].start && split.every(r => r.start <= r.end), 'times in order');
                same(captions.linesOf(captions.joinWithBefore(split, row + 1)), captions.linesOf(rows), 'joined again');
            } else {
                same(word, 0, 'nothing to split');
            }
            const text = Array.from({ length: 1 + below(3) }, () => vocabulary[below(vocabulary.length)]).join('  ');
            const to = word + 1 + below(rows[row].words.length - word);
            const written = captions.rewrite(rows, row, word, to, text) ?? rows;
            const wanted = rows[row].words.map(w => w.text);
            wanted.splice(word, to - word, ...text.split(/\\s+/));
            same(captions.textOf(written[row]), wanted.join(' '), 'written');
            so(written[row].words.every(w => w.start <= w.end + 1e-9), 'words keep their time');
            so(written.every((r, n) => n === row || r === rows[n]), 'other captions stay the same object');
            const back = captions.reconciled(written, written.map(({ start, end, words }) => ({ start, end, words })));
            so(back.every((r, n) => r === written[n]), 'what came back as it was stays the same object');
            const flat = captions.flat(rows);
            for (let tries = 0; tries < 5; tries++) {
                const moment = below(Math.ceil(at * 100)) / 100;
                const last = flat.findLastIndex(w => w.start <= moment);
                same(captions.spokenAt(flat, moment), last >= 0 && moment < flat[last].end + 0.25 ? last : -1, 'spoken');
            }
            same(JSON.stringify(rows), before, 'nothing is changed in place');

            let end = 0;
            const kept = Array.from({ length: 1 + below(4) }, () => {
                const start = end + 0.5 + below(10) / 10;
                end = start + 0.5 + below(30) / 10;
                return [start, end];
            });
            const cut = below(Math.floor(times.keptLength(kept) * 1000)) / 1000;
            const there = times.cutToClip(kept, cut);
            so(there.clip >= kept[there.part][0] && there.clip <= kept[there.part][1], 'inside a part');
            so(Math.abs(times.clipToCut(kept, there.clip) - cut) < 1e-6, 'there and back');
            same(times.clipToCut(kept, kept[0][0] - 0.25), null, 'left out');

            const a = Array.from({ length: below(8) }, () => vocabulary[below(3)]);
            const b = Array.from({ length: below(8) }, () => vocabulary[below(3)]);
            const found = differences.wordDifferences(a, b);
            same(found.mine.map(p => p.text), a, 'mine');
            same(found.theirs.map(p => p.text), b, 'theirs');
            same(found.mine.filter(p => p.same).map(p => p.text), found.theirs.filter(p => p.same).map(p => p.text), 'in both');
        }
        same(counts.characters('e\\u0301 \\u{1F9D1}\\u200D\\u2695\\uFE0F \\u{1F1E9}\\u{1F1EA}'), 5, 'as a reader counts');
        same(counts.characters('a\\r\\nb'), 3, 'a line end is one');
        same(counts.counted('#one two #drei', 5, 1).over, true, 'too much');
        const post = { platform_name: 'X', title: null, text: 'too long', most_title: null, most_text: 5, most_hashtags: null };
        same(counts.beyond([post, { ...post, most_text: 8 }, { ...post, title: 'abc', most_title: 2, most_text: null }]),
            ['Text on X is too long (8 of 5 characters · 3 too many)', 'Title on X is too long (3 of 2 characters · 1 too many)'], 'beyond');
        same(times.clock(59.96, true), '0:59.9', 'a clock does not run ahead');
        same(times.clock(3600), '1:00:00', 'hours');
        ",
    );
}
