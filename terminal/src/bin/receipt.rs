//! `evertill-receipt`: how receipts look, before a customer sees one; and receipts as files. Never writes to a till.

use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum};
use evertill_hardware::{Document, Profile};
use evertill_shared::id::SaleKey;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::receipt::template::{DEFAULT, Logo, Template};
use evertill_terminal::config::{Config, Identity, remembered_language, spoken_languages};
use evertill_terminal::journal_store::books_of;
use evertill_terminal::journal_store::records::SaleRecord;
use evertill_terminal::print::examples::Example;
use evertill_terminal::print::letters::FONT;
use evertill_terminal::print::practice_codes::practice_codes;
use evertill_terminal::print::sheet::{Face, pdf, png, sheet};
use evertill_terminal::print::{Look, document, receipt_of_sale, template_file};
use evertill_terminal::view::Language;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Receipts: what they look like, and receipts as files.
///
/// A shop's own template is the file receipt.template in the till's directory (beside till.toml); it counts from the next
/// receipt on. A template that is wrong stops no receipt: the last right one stays, and the log says what is wrong.
#[derive(Parser)]
#[command(
    version,
    after_help = "Examples:\n  evertill-receipt default > receipt.template\n  evertill-receipt check receipt.template\n  \
    evertill-receipt preview --template receipt.template --out preview.png\n  \
    evertill-receipt logo shop.png --width 384 >> receipt.template\n  \
    evertill-receipt reprint --data /var/lib/evertill-till --sale T0003-1-42 --out receipt.pdf\n  \
    evertill-receipt practice-codes --out codes.pdf\n\n\
    Exit status: 0 if all is right, 1 if not; the error says what, and where."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the template that comes with the till, as a beginning.
    Default,
    /// Look whether a template is right; name the first line that is not, and why.
    Check {
        /// The template.
        file: PathBuf,
    },
    /// Show what a template makes of an example: as a picture, as a PDF, or as text.
    Preview(Preview),
    /// Make a picture (PNG) into the lines of a template that print it.
    Logo {
        /// The picture; what is darker than the middle becomes black.
        picture: PathBuf,
        /// How wide it is to be, in dots: 576 is all of 80 mm paper, 384 all of 58 mm.
        #[arg(long, default_value_t = 384)]
        width: u16,
    },
    /// Write the receipt of a sale that this till made into a file, marked as a copy.
    Reprint(Reprint),
    /// The payment codes that a till takes in training, on paper.
    PracticeCodes {
        /// The paper.
        #[arg(long, value_enum, default_value_t = Paper::Mm80)]
        paper: Paper,
        /// Where to: its ending says as what, .png, .pdf or .txt.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

#[derive(Args)]
struct Preview {
    /// The template; without it the one that comes with the till.
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// Which example.
    #[arg(long, value_enum, default_value_t = ExampleName(Example::Sale))]
    example: ExampleName,
    /// The language of the words.
    #[arg(long, value_enum, default_value_t = LanguageName::En)]
    language: LanguageName,
    /// The paper.
    #[arg(long, value_enum, default_value_t = Paper::Mm80)]
    paper: Paper,
    /// Where to: its ending says as what, .png, .pdf or .txt. Without it the text is printed.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Args)]
struct Reprint {
    /// The till's directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The sale, as on the receipt, such as T0003-1-42.
    #[arg(long, required_unless_present = "order")]
    sale: Option<SaleKey>,
    /// The order's number.
    #[arg(long, conflicts_with = "sale")]
    order: Option<OrderNumber>,
    /// The language of the words, `en`, `zh` or that of a file of the till's; without it the till's.
    #[arg(long)]
    language: Option<String>,
    /// The paper.
    #[arg(long, value_enum, default_value_t = Paper::Mm80)]
    paper: Paper,
    /// Where to: its ending says as what, .png, .pdf or .txt.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// An example by its name.
#[derive(Clone, Copy)]
struct ExampleName(Example);

impl ValueEnum for ExampleName {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self(Example::Sale),
            Self(Example::Offline),
            Self(Example::Copy),
            Self(Example::Refund),
            Self(Example::CashRefund),
            Self(Example::Shift),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()).help(self.0.about()))
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum LanguageName {
    En,
    Zh,
}

impl LanguageName {
    fn language(self) -> Language {
        match self {
            Self::En => Language::English,
            Self::Zh => Language::Chinese,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Paper {
    /// 80 mm, 48 columns.
    #[value(name = "80mm")]
    Mm80,
    /// 58 mm, 32 columns.
    #[value(name = "58mm")]
    Mm58,
}

impl Paper {
    fn profile(self) -> Profile {
        match self {
            Self::Mm80 => Profile::paper_80mm(),
            Self::Mm58 => Profile::paper_58mm(),
        }
    }
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Default => say(DEFAULT),
        Command::Check { file } => check(&file),
        Command::Preview(preview) => show(&preview),
        Command::Logo { picture, width } => logo(&picture, width),
        Command::Reprint(reprint) => write_again(&reprint),
        Command::PracticeCodes { paper, out } => {
            write(&practice_codes(), &paper.profile(), "Evertill training", &out)
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("evertill-receipt: {error}");
            ExitCode::FAILURE
        }
    }
}

type Done = Result<(), Box<dyn Error>>;

/// A reader that has seen enough (`| head`) ends it.
fn say(text: &str) -> Done {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn check(file: &Path) -> Done {
    template_file::read(file)?;
    say("The template is right.\n")
}

fn show(preview: &Preview) -> Done {
    let template = match &preview.template {
        Some(file) => template_file::read(file)?,
        None => Template::default(),
    };
    let receipt = preview.example.0.receipt().ok_or("the example is none")?;
    let look = Look { language: preview.language.language(), template: &template };
    let page = document(&receipt, look);
    match &preview.out {
        Some(out) => write(&page, &preview.paper.profile(), &receipt.qr_text(), out),
        None => say(&page.to_text(preview.paper.profile().columns)),
    }
}

fn write(page: &Document, profile: &Profile, title: &str, out: &Path) -> Done {
    let face = Face::new(FONT)?;
    let bytes = match out.extension().and_then(|ending| ending.to_str()) {
        Some("txt") => page.to_text(profile.columns).into_bytes(),
        Some("png") => png::png(&sheet(page, profile, &face)?, &face)?,
        Some("pdf") => pdf::pdf(&sheet(page, profile, &face)?, &face, title)?,
        _ => return Err("the file's ending says what it becomes: .png, .pdf or .txt".into()),
    };
    fs::write(out, bytes).map_err(|error| format!("{}: {error}", out.display()))?;
    Ok(())
}

fn write_again(reprint: &Reprint) -> Done {
    let config = Config::read(&reprint.data)?;
    let identity =
        Identity::read(&reprint.data)?.ok_or("this till has not registered: it has sold nothing")?;
    let record = sold(reprint, &identity)?;
    if !record.is_paid() {
        return Err("this sale is not paid, as far as the till knows: it has no receipt".into());
    }
    let template = template_file::in_use(&reprint.data)?;
    let language = language_of(reprint, &config)?;
    // It is no print job: it is not counted, and marked as a copy all the same.
    let receipt = receipt_of_sale(&identity, &record).as_copy(0);
    let page = document(&receipt, Look { language, template: &template });
    write(&page, &reprint.paper.profile(), &receipt.qr_text(), &reprint.out)
}

/// As asked, else as the till speaks. A file of a language that is wrong is told of only if it was asked for.
fn language_of(reprint: &Reprint, config: &Config) -> Result<Language, Box<dyn Error>> {
    let (spoken, wrong) = spoken_languages(&reprint.data, config);
    let Some(code) = &reprint.language else {
        return Ok(remembered_language(&reprint.data, config, &spoken));
    };
    let found = spoken.iter().copied().find(|language| language.code() == code);
    found.ok_or_else(|| {
        let codes: Vec<&str> = spoken.iter().map(|language| language.code()).collect();
        let wrong: String = wrong.iter().map(|error| format!("; {error}")).collect();
        format!("the till does not speak “{code}”: it has {}{wrong}", codes.join(", ")).into()
    })
}

/// The sale as it follows from the journal and its archive, each entry of which is verified on the way.
fn sold(reprint: &Reprint, identity: &Identity) -> Result<SaleRecord, Box<dyn Error>> {
    let books = books_of(&reprint.data.join("till.db"))?;
    let is_it = |record: &&SaleRecord| match (reprint.sale, reprint.order) {
        (Some(key), _) => identity.sale_key(record.sequence) == key,
        (None, number) => number.is_some() && record.number() == number,
    };
    books.sales.values().find(is_it).cloned().ok_or_else(|| "this till's journal holds no such sale".into())
}

fn logo(file: &Path, width: u16) -> Done {
    let picture = Gray::read(file)?;
    let width = (width / 8 * 8).clamp(8, 576);
    let height = usize::from(width) * picture.height / picture.width;
    let mut dots = Vec::with_capacity(usize::from(width) / 8 * height);
    for y in 0..height {
        for byte in 0..usize::from(width) / 8 {
            let black = |bit: usize| picture.is_dark(byte * 8 + bit, y, usize::from(width), height);
            dots.push((0..8).filter(|bit| black(*bit)).fold(0_u8, |dots, bit| dots | 0x80 >> bit));
        }
    }
    let height = u16::try_from(height).unwrap_or(u16::MAX);
    say(&Logo::new(width, height, dots)?.to_text())
}

/// A picture by how dark it is.
struct Gray {
    width: usize,
    height: usize,
    /// 0 is black.
    light: Vec<u8>,
}

impl Gray {
    fn read(file: &Path) -> Result<Self, Box<dyn Error>> {
        let opened = File::open(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let mut decoder = ::png::Decoder::new(BufReader::new(opened));
        decoder.set_transformations(::png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info()?;
        let mut pixels = vec![0; reader.output_buffer_size().ok_or("the picture is too large")?];
        let info = reader.next_frame(&mut pixels)?;
        let light = pixels.chunks_exact(info.color_type.samples()).map(light).collect();
        Ok(Self { width: usize::try_from(info.width)?, height: usize::try_from(info.height)?, light })
    }

    /// Whether more than half of what becomes this dot is dark.
    fn is_dark(&self, x: usize, y: usize, width: usize, height: usize) -> bool {
        let span = |at: usize, from: usize, to: usize| {
            let start = at * from / to;
            start..((at + 1) * from / to).max(start + 1)
        };
        let (mut sum, mut count) = (0_u64, 0_u64);
        for row in span(y, self.height, height) {
            for column in span(x, self.width, width) {
                sum += u64::from(self.light.get(row * self.width + column).copied().unwrap_or(255));
                count += 1;
            }
        }
        sum < count * 128
    }
}

/// How light a pixel is on white paper.
fn light(pixel: &[u8]) -> u8 {
    let (colour, seen) = match *pixel {
        [gray] => (u32::from(gray), 255),
        [gray, seen] => (u32::from(gray), u32::from(seen)),
        [red, green, blue] => (weighed(red, green, blue), 255),
        [red, green, blue, seen] => (weighed(red, green, blue), u32::from(seen)),
        _ => (255, 255),
    };
    u8::try_from((colour * seen + 255 * (255 - seen)) / 255).unwrap_or(255)
}

fn weighed(red: u8, green: u8, blue: u8) -> u32 {
    (u32::from(red) * 299 + u32::from(green) * 587 + u32::from(blue) * 114) / 1000
}
