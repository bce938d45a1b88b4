//! The small words of a few languages that tell where a line may break, and which of these languages a text is in.
//!
//! The lists are short on purpose: what follows or goes before them is what a reader must not lose. A language without
//! a list is treated as English, whose words then do not occur in it.

use super::breaks::core;
use crate::speech::Word;

/// A language whose small words are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tongue {
    English,
    Spanish,
    French,
    German,
    Arabic,
}

/// Space-separated lists of words in lower case, with straight apostrophes.
#[derive(Debug)]
pub(super) struct Words {
    /// Before a name.
    pub titles: &'static str,
    /// They negate what follows.
    pub negations: &'static str,
    /// They negate what goes before.
    pub late_negations: &'static str,
    /// Beginnings of words whose negation ends with the word after them: French "n'est | pas".
    pub negating_starts: &'static [&'static str],
    /// Endings of words that negate what follows: "don't".
    pub negating_ends: &'static [&'static str],
    pub articles: &'static str,
    pub prepositions: &'static str,
    pub conjunctions: &'static str,
    pub auxiliaries: &'static str,
    pub pronouns: &'static str,
    /// They grade what follows.
    pub degrees: &'static str,
    pub numbers: &'static str,
    /// Before a number or a single letter that names one of a kind.
    pub labels: &'static str,
    /// Better at the end of a line than at the start of the next.
    pub trailing: &'static str,
}

const ENGLISH: Words = Words {
    titles: "dr mr mrs ms mx prof professor doctor nurse st",
    negations: "not never no cannot without neither nor hardly",
    late_negations: "not never",
    negating_starts: &[],
    negating_ends: &["n't"],
    articles: "a an the my your his her its our their this that these those each every any some another both",
    prepositions: "in on at by for with from of to into onto over under about after before between through during \
        against around behind below above near off out up down until till within without per than like",
    conjunctions: "and or but nor so yet because if when while although though unless whereas since as that which who \
        whose where whether then",
    auxiliaries: "is are was were be been being am do does did have has had will would can could may might must shall \
        should let lets gonna",
    pronouns: "i you he she we they it i'm you're he's she's we're they're it's i've you've we've they've i'd you'd \
        we'd they'd i'll you'll he'll she'll we'll they'll it'll there there's",
    degrees: "very too really quite more most less least only just almost about",
    numbers: "one two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty sixty \
        seventy eighty ninety hundred thousand half quarter",
    labels: "spf type stage grade phase level factor vitamin number step day week hepatitis covid omega ph",
    trailing: "of than",
};

const SPANISH: Words = Words {
    titles: "dr dra sr sra srta doctor doctora don doña señor señora profesor profesora",
    negations: "no nunca jamás ni sin tampoco ningún ninguna",
    late_negations: "nunca jamás",
    negating_starts: &[],
    negating_ends: &[],
    articles: "el la los las un una unos unas lo mi mis tu tus su sus nuestro nuestra nuestros nuestras este esta estos \
        estas ese esa esos esas cada otro otra otros otras todo toda todos todas algún alguna al del",
    prepositions: "a ante bajo con contra de desde durante en entre hacia hasta para por según sobre tras",
    conjunctions: "y e o u pero sino porque pues si cuando mientras aunque que quien donde como entonces",
    auxiliaries: "es son era fue está están ser estar ha han he hemos haber puede pueden puedo podemos debe deben debo \
        debemos hay va van",
    pronouns: "yo tú usted ustedes él ella nosotros ellos ellas me te se nos le les",
    degrees: "muy más menos tan demasiado casi solo sólo bastante",
    numbers: "dos tres cuatro cinco seis siete ocho nueve diez once doce quince veinte treinta cuarenta cincuenta \
        sesenta setenta ochenta noventa cien ciento mil medio media",
    labels: "tipo fase grado nivel factor vitamina número paso día semana hepatitis covid omega ph fps",
    trailing: "",
};

const FRENCH: Words = Words {
    titles: "dr pr m mme mlle docteur docteure professeur professeure madame monsieur",
    negations: "ne non pas jamais sans ni aucun aucune",
    late_negations: "pas jamais rien guère",
    negating_starts: &["n'"],
    negating_ends: &[],
    articles: "le la les un une des du au aux mon ma mes ton ta tes son sa ses notre nos votre vos leur leurs ce cet \
        cette ces chaque quelques tout toute tous toutes autre autres",
    prepositions: "à de en dans sur sous par pour avec chez vers contre entre pendant depuis avant après jusqu'à jusqu \
        selon",
    conjunctions: "et ou mais donc or car parce puisque si quand lorsque comme que qui dont où puis",
    auxiliaries: "est sont était suis êtes sommes être a ont avez avons ai avoir peut peuvent pouvez peux doit doivent \
        devez faut va vont allez",
    pronouns: "je tu il elle on nous vous ils elles me te se y j'ai c'est",
    degrees: "très trop plus moins assez presque bien peu",
    numbers: "deux trois quatre cinq six sept huit neuf dix onze douze quinze vingt trente quarante cinquante soixante \
        cent mille demi demie",
    labels: "type phase grade niveau facteur vitamine numéro étape jour semaine hépatite covid oméga ph spf",
    trailing: "",
};

const GERMAN: Words = Words {
    titles: "dr prof herr herrn frau doktor doktorin professor professorin",
    negations: "nicht nie niemals kein keine keinen keinem keiner keines ohne weder noch",
    late_negations: "nicht nie niemals",
    negating_starts: &[],
    negating_ends: &[],
    articles: "der die das den dem des ein eine einen einem einer eines mein meine meinen ihr ihre ihren ihrem ihrer \
        unser unsere unseren sein seine seinen dieser diese dieses diesen diesem jeder jede jedes jeden alle zum zur im \
        am vom beim ins ans",
    prepositions: "in an auf bei mit von zu für über unter nach vor zwischen durch während gegen um aus seit bis neben \
        hinter wegen statt pro",
    conjunctions: "und oder aber denn sondern weil wenn als dass ob obwohl damit bevor nachdem sobald falls wie",
    auxiliaries: "ist sind war waren sein bin werden wird wurde haben hat habe hatte kann können könnte darf dürfen \
        muss müssen soll sollte sollten",
    pronouns: "ich du er sie es wir man mich mir sich uns ihnen",
    degrees: "sehr zu mehr weniger nur fast ganz etwa höchstens mindestens",
    numbers: "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf fünfzehn zwanzig dreißig vierzig fünfzig sechzig \
        siebzig achtzig neunzig hundert tausend halbe halben",
    labels: "typ stadium grad phase stufe faktor vitamin nummer schritt tag woche hepatitis covid omega ph lsf",
    trailing: "",
};

const ARABIC: Words = Words {
    titles: "",
    negations: "لا لم لن ليس ليست غير بدون دون ما ولا",
    late_negations: "",
    negating_starts: &[],
    negating_ends: &[],
    articles: "هذا هذه ذلك تلك كل بعض أي",
    prepositions: "في من على إلى عن مع بعد قبل بين تحت فوق خلال عند حتى حول ضد منذ",
    conjunctions: "أو ثم لكن ولكن لأن إذا عندما بينما أن إن حيث كما الذي التي",
    auxiliaries: "قد سوف كان كانت يجب يمكن",
    pronouns: "أنا أنت هو هي نحن هم",
    degrees: "جدا أكثر أقل حوالي",
    numbers: "واحد اثنان ثلاث ثلاثة أربع أربعة خمس خمسة ست ستة سبع سبعة ثماني ثمانية تسع تسعة عشر عشرة نصف",
    labels: "النوع المرحلة الدرجة فيتامين رقم اليوم الأسبوع",
    trailing: "",
};

/// Words that are frequent in one of the languages and mean nothing, or little, in the others.
const TELLING: [(Tongue, &str); 5] = [
    (
        Tongue::English,
        "the and of to is you your are with for it this that not can have should if when or be do what how why at from \
         they we i my",
    ),
    (
        Tongue::Spanish,
        "el los las una y que es con por para del al su pero si más cómo qué puede usted no muy cuando está son tome",
    ),
    (
        Tongue::French,
        "le les des et est vous votre vos avec pour du au dans une pas ne mais que qui sur il nous je très c'est pouvez \
         peut comment pourquoi",
    ),
    (
        Tongue::German,
        "der die das und ist sie nicht mit für den dem ein eine zu bei wenn oder ihre ihr auf von sich wie kann warum \
         haben werden",
    ),
    (Tongue::Arabic, ""),
];

impl Tongue {
    /// The language whose words the text has most; English where none is ahead. Arabic is told by its letters.
    pub(super) fn of(words: &[Word]) -> Tongue {
        let mut scores = [0usize; TELLING.len()];
        for word in words {
            let word = core(&word.text);
            for (score, (tongue, list)) in scores.iter_mut().zip(TELLING) {
                let letters =
                    tongue == Tongue::Arabic && word.starts_with(|c: char| ('\u{600}'..='\u{6FF}').contains(&c));
                *score += usize::from(letters || among(list, &word));
            }
        }
        let ahead = |best: usize, next: usize| if scores[next] > scores[best] { next } else { best };
        TELLING[(1..TELLING.len()).fold(0, ahead)].0
    }

    pub(super) fn words(self) -> &'static Words {
        match self {
            Tongue::English => &ENGLISH,
            Tongue::Spanish => &SPANISH,
            Tongue::French => &FRENCH,
            Tongue::German => &GERMAN,
            Tongue::Arabic => &ARABIC,
        }
    }
}

/// Whether the space-separated list holds the word.
pub(super) fn among(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|entry| entry == word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Span;

    #[test]
    fn a_language_is_told_by_its_small_words() {
        let tongue = |text: &str| {
            let word = |t: &str| Word { text: t.to_string(), span: Span::default(), confidence: 1.0 };
            Tongue::of(&text.split(' ').map(word).collect::<Vec<_>>())
        };
        assert_eq!(tongue("Do not take more than 2 mg a day."), Tongue::English);
        assert_eq!(tongue("You should not die of it, no"), Tongue::English);
        assert_eq!(tongue("No tome más de 2 mg al día."), Tongue::Spanish);
        assert_eq!(tongue("Ne prenez pas plus de 2 mg par jour."), Tongue::French);
        assert_eq!(tongue("Nehmen Sie nicht mehr als 2 mg am Tag."), Tongue::German);
        assert_eq!(tongue("لا تأخذ أكثر من 2 mg في اليوم."), Tongue::Arabic);
        assert_eq!(tongue("薬を飲んでください。"), Tongue::English);
        assert_eq!(tongue(""), Tongue::English);
    }
}
