"""The table of media types: the one place that says what is known of each. Data only.

``families`` derives from it every list of types that the rest of the package uses, ``matching`` the rules about file
extensions, and ``structure`` the corrections of libmagic's answers.
"""

from __future__ import annotations

from enum import Enum, StrEnum, auto
from typing import NamedTuple

UNKNOWN = "application/octet-stream"
EMPTY = "application/x-empty"


class Family(Enum):
    """What kind of file a type is, as far as rules differ."""

    IMAGE = auto()
    AUDIO = auto()
    VIDEO = auto()
    DOCUMENT = auto()
    OFFICE = auto()
    PACKAGE = auto()
    """Files that are ZIP archives by construction, but neither archives nor office files by purpose."""
    ARCHIVE = auto()
    DISK_IMAGE = auto()
    EXECUTABLE = auto()
    MARKUP = auto()
    TEXT = auto()
    UNKNOWN = auto()


class Container(StrEnum):
    """The format that holds the content, where ``containers`` can read it or other types share it."""

    ZIP = "zip"
    TAR = "tar"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    OLE = "ole"
    ISOBMFF = "isobmff"


class MediaType(NamedTuple):
    """One row of the table."""

    names: str
    """First libmagic's name (5.41 and 5.44, for files made by ffmpeg), then registered and older names."""
    extensions: str
    family: Family
    container: Container | None = None
    marks: tuple[str, ...] = ()
    """Marks in the bytes by which ``structure`` recognises this type where libmagic gives another answer or none."""


_IMAGE, _AUDIO, _VIDEO, _DOCUMENT = Family.IMAGE, Family.AUDIO, Family.VIDEO, Family.DOCUMENT
_OFFICE, _PACKAGE, _ARCHIVE, _EXECUTABLE = Family.OFFICE, Family.PACKAGE, Family.ARCHIVE, Family.EXECUTABLE
_MARKUP, _TEXT = Family.MARKUP, Family.TEXT
_ZIP, _OLE, _ISO = Container.ZIP, Container.OLE, Container.ISOBMFF

OOXML = "application/vnd.openxmlformats-officedocument."
ODF = "application/vnd.oasis.opendocument."
_W, _E, _P = "application/vnd.ms-word.", "application/vnd.ms-excel.", "application/vnd.ms-powerpoint."
_V = "application/vnd.ms-visio."

_MAIN, _MACROS, _MIMETYPE = "main part ", "macros, main part ", f"mimetype {ODF}"
_WORD, _SHEET, _SLIDES = f"{OOXML}wordprocessingml.", f"{OOXML}spreadsheetml.", f"{OOXML}presentationml."

# fmt: off
_IMAGES = (
    MediaType("image/jpeg image/jpg image/pjpeg", ".jpg .jpeg .jpe .jfif .jif .mpo", _IMAGE),
    MediaType("image/gif", ".gif", _IMAGE),
    MediaType("image/png image/apng image/vnd.mozilla.apng", ".png .apng", _IMAGE),
    MediaType("image/webp", ".webp", _IMAGE),
    # Brands of ISO/IEC 14496-12, annex E, and of their owners. The first brand of a file that is known counts.
    MediaType("image/avif", ".avif .avifs", _IMAGE, _ISO, ("brand avif",)),
    MediaType("image/heic image/heic-sequence", ".heic .heif .hif .heics .heifs", _IMAGE, _ISO, ("brand heic",)),
    MediaType("image/heif image/heif-sequence", ".heic .heif .hif .heics .heifs", _IMAGE, _ISO, ("brand mif1",)),
    # Raw files of cameras are TIFF files.
    MediaType("image/tiff", ".tif .tiff .dng .nef .arw .pef", _IMAGE),
    MediaType("image/bmp image/x-ms-bmp image/x-bmp", ".bmp .dib", _IMAGE),
    MediaType("image/vnd.microsoft.icon image/x-icon", ".ico .cur", _IMAGE),
    MediaType("image/svg+xml", ".svg", _IMAGE, None, ("root element svg",)),
    MediaType("image/jxl", ".jxl", _IMAGE),
    MediaType("image/x-portable-greymap image/x-portable-graymap", ".pgm .pnm", _IMAGE),
    MediaType("image/x-eps", ".eps .epsf .epsi .ai", _IMAGE),
)

_AUDIO_FILES = (
    # libmagic looks behind a tag, but not as far as behind the picture of a cover.
    MediaType("audio/mpeg audio/mp3 audio/x-mp3", ".mp3 .mp2 .mp1 .mpga .m2a", _AUDIO, None,
              ("tag of ID3, then MPEG audio",)),
    MediaType("audio/aac audio/aacp audio/x-aac audio/x-hx-aac-adts audio/x-hx-aac-adif", ".aac .adts .adif", _AUDIO),
    # libmagic reports audio for Sony's brand MSNV, regardless of the tracks.
    MediaType("audio/mp4", ".m4a .m4b .m4p .m4r .mp4 .m4v .f4a", _AUDIO, _ISO),
    MediaType("audio/x-m4a audio/m4a", ".m4a .m4b .m4p .m4r .mp4", _AUDIO, _ISO, ("brand M4A ",)),
    MediaType("audio/ogg audio/opus audio/vorbis", ".ogg .oga .opus .spx .ogx", _AUDIO),
    MediaType("audio/flac audio/x-flac", ".flac", _AUDIO),
    MediaType("audio/x-wav audio/wav audio/wave audio/vnd.wave", ".wav .wave .bwf .rf64", _AUDIO),
    MediaType("audio/x-aiff audio/aiff", ".aif .aiff .aifc", _AUDIO),
    MediaType("audio/midi audio/x-midi audio/mid", ".mid .midi .kar .rmi", _AUDIO),
    MediaType("audio/amr audio/amr-wb", ".amr .awb", _AUDIO),
)

_BRANDS_OF_MP4 = (
    "brand isom", "brand iso2", "brand iso4", "brand iso5", "brand iso6", "brand mp41", "brand mp42", "brand avc1",
)

_VIDEO_FILES = (
    MediaType("video/mp4 application/mp4", ".mp4 .m4v .mp4v .mpg4 .m4a .m4b .f4v .ismv", _VIDEO, _ISO,
              (*_BRANDS_OF_MP4, "unknown brands, then a box of a movie")),
    MediaType("video/x-m4v video/x-m4p", ".m4v .mp4", _VIDEO, _ISO, ("brand M4V ",)),
    MediaType("video/quicktime", ".mov .qt", _VIDEO, _ISO, ("brand qt  ", "atoms of QuickTime")),
    # Android's recorder names files of a 3GPP brand .mp4.
    MediaType("video/3gpp audio/3gpp", ".3gp .3gpp .3ga .mp4", _VIDEO, _ISO, ("brand 3gp4", "brand 3gp5")),
    MediaType("video/3gpp2 audio/3gpp2", ".3g2 .3gp2 .3gpp2 .mp4", _VIDEO, _ISO, ("brand 3g2a",)),
    # The document type that makes Matroska WebM may lie behind what libmagic reads; the tracks always do.
    MediaType("video/x-matroska audio/x-matroska application/x-matroska", ".mkv .mka .mks .mk3d .webm", _VIDEO),
    MediaType("video/webm", ".webm .weba", _VIDEO),
    MediaType("video/ogg", ".ogv .ogg .ogm .ogx", _VIDEO),
    MediaType("application/ogg", ".ogg .oga .ogv .ogm .ogx .opus .spx", _VIDEO),
    MediaType("video/x-msvideo video/avi video/vnd.avi", ".avi .divx", _VIDEO),
    MediaType("video/x-ms-asf video/x-ms-wmv audio/x-ms-wma application/vnd.ms-asf", ".asf .wmv .wma", _VIDEO),
    MediaType("video/x-flv", ".flv .f4v", _VIDEO),
    MediaType("video/mpeg video/mpv", ".mpg .mpeg .mpe .mpv .m1v .m2v .m2p .vob .evo", _VIDEO),
    MediaType("video/mp2t", ".ts .m2ts .mts .m2t", _VIDEO),
)

_DOCUMENTS = (
    MediaType("application/pdf", ".pdf", _DOCUMENT),
    MediaType("application/postscript", ".ps .eps .epsf .epsi .ai", _DOCUMENT),
    MediaType("text/rtf application/rtf", ".rtf", _DOCUMENT),
    MediaType("message/rfc822", ".eml .mht .mhtml", _DOCUMENT),
    MediaType("application/vnd.sqlite3 application/x-sqlite3", ".sqlite .sqlite3 .db .db3 .gpkg .mbtiles", _DOCUMENT),
)

# Macros make a file another type, also where its main part does not declare them.
_OFFICE_FILES = (
    MediaType(f"{_WORD}document", ".docx", _OFFICE, _ZIP, (f"{_MAIN}{_WORD}document.main+xml",)),
    MediaType(f"{_WORD}template", ".dotx", _OFFICE, _ZIP, (f"{_MAIN}{_WORD}template.main+xml",)),
    MediaType(f"{_SHEET}sheet", ".xlsx", _OFFICE, _ZIP, (f"{_MAIN}{_SHEET}sheet.main+xml",)),
    MediaType(f"{_SHEET}template", ".xltx", _OFFICE, _ZIP, (f"{_MAIN}{_SHEET}template.main+xml",)),
    MediaType(f"{_SLIDES}presentation", ".pptx", _OFFICE, _ZIP, (f"{_MAIN}{_SLIDES}presentation.main+xml",)),
    MediaType(f"{_SLIDES}slideshow", ".ppsx", _OFFICE, _ZIP, (f"{_MAIN}{_SLIDES}slideshow.main+xml",)),
    MediaType(f"{_SLIDES}template", ".potx", _OFFICE, _ZIP, (f"{_MAIN}{_SLIDES}template.main+xml",)),
    MediaType(f"{_W}document.macroenabled.12", ".docm", _OFFICE, _ZIP,
              (f"{_MACROS}{_WORD}document.main+xml", f"{_MACROS}{_W}document.macroenabled.main+xml")),
    MediaType(f"{_W}template.macroenabled.12", ".dotm", _OFFICE, _ZIP,
              (f"{_MACROS}{_WORD}template.main+xml", f"{_MACROS}{_W}template.macroenabledtemplate.main+xml")),
    MediaType(f"{_E}sheet.macroenabled.12", ".xlsm", _OFFICE, _ZIP,
              (f"{_MACROS}{_SHEET}sheet.main+xml", f"{_MACROS}{_E}sheet.macroenabled.main+xml")),
    MediaType(f"{_E}template.macroenabled.12", ".xltm", _OFFICE, _ZIP,
              (f"{_MACROS}{_SHEET}template.main+xml", f"{_MACROS}{_E}template.macroenabled.main+xml")),
    MediaType(f"{_E}addin.macroenabled.12", ".xlam", _OFFICE, _ZIP, (f"{_MACROS}{_E}addin.macroenabled.main+xml",)),
    MediaType(f"{_E}sheet.binary.macroenabled.12", ".xlsb", _OFFICE, _ZIP,
              (f"{_MACROS}{_E}sheet.binary.macroenabled.main",)),
    MediaType(f"{_P}presentation.macroenabled.12", ".pptm", _OFFICE, _ZIP,
              (f"{_MACROS}{_SLIDES}presentation.main+xml", f"{_MACROS}{_P}presentation.macroenabled.main+xml")),
    MediaType(f"{_P}slideshow.macroenabled.12", ".ppsm", _OFFICE, _ZIP,
              (f"{_MACROS}{_SLIDES}slideshow.main+xml", f"{_MACROS}{_P}slideshow.macroenabled.main+xml")),
    MediaType(f"{_P}template.macroenabled.12", ".potm", _OFFICE, _ZIP,
              (f"{_MACROS}{_SLIDES}template.main+xml", f"{_MACROS}{_P}template.macroenabled.main+xml")),
    MediaType(f"{_P}addin.macroenabled.12", ".ppam", _OFFICE, _ZIP, (f"{_MACROS}{_P}addin.macroenabled.main+xml",)),
    MediaType(f"{_V}drawing", ".vsdx", _OFFICE, _ZIP, (f"{_MAIN}{_V}drawing.main+xml",)),
    MediaType(f"{_V}drawing.macroenabled", ".vsdm", _OFFICE, _ZIP, (f"{_MACROS}{_V}drawing.macroenabled.main+xml",)),
    MediaType(f"{ODF}text", ".odt", _OFFICE, _ZIP, (f"{_MIMETYPE}text",)),
    MediaType(f"{ODF}text-template", ".ott", _OFFICE, _ZIP, (f"{_MIMETYPE}text-template",)),
    MediaType(f"{ODF}spreadsheet", ".ods", _OFFICE, _ZIP, (f"{_MIMETYPE}spreadsheet",)),
    MediaType(f"{ODF}spreadsheet-template", ".ots", _OFFICE, _ZIP, (f"{_MIMETYPE}spreadsheet-template",)),
    MediaType(f"{ODF}presentation", ".odp", _OFFICE, _ZIP, (f"{_MIMETYPE}presentation",)),
    MediaType(f"{ODF}presentation-template", ".otp", _OFFICE, _ZIP, (f"{_MIMETYPE}presentation-template",)),
    MediaType(f"{ODF}graphics", ".odg", _OFFICE, _ZIP, (f"{_MIMETYPE}graphics",)),
)

_PACKAGES = (
    MediaType("application/epub+zip", ".epub", _PACKAGE, _ZIP, ("mimetype application/epub+zip",)),
    MediaType("application/java-archive application/x-java-archive", ".jar .war .ear", _PACKAGE, _ZIP,
              ("member META-INF/MANIFEST.MF",)),
    MediaType("application/vnd.android.package-archive", ".apk", _PACKAGE, _ZIP, ("member AndroidManifest.xml",)),
    MediaType("application/vnd.google-earth.kmz", ".kmz", _PACKAGE, _ZIP, ("member doc.kml",)),
)

# Older office files. What tells them apart lies anywhere in the file, so libmagic may name only the container.
_OLE_FILES = (
    MediaType("application/cdfv2 application/x-ole-storage application/vnd.ms-office",
              ".doc .dot .xls .xlt .xla .ppt .pps .pot .vsd .mpp .pub .msg", _DOCUMENT, _OLE),
    MediaType("application/msword", ".doc .dot", _DOCUMENT, _OLE),
    MediaType("application/vnd.ms-excel", ".xls .xlt .xla", _DOCUMENT, _OLE),
    MediaType("application/vnd.ms-powerpoint", ".ppt .pps .pot", _DOCUMENT, _OLE),
    MediaType("application/vnd.visio", ".vsd .vss .vst", _DOCUMENT, _OLE),
    MediaType("application/vnd.ms-project", ".mpp", _DOCUMENT, _OLE),
    MediaType("application/vnd.ms-publisher", ".pub", _DOCUMENT, _OLE),
    MediaType("application/vnd.ms-outlook application/x-ms-msg", ".msg", _DOCUMENT, _OLE),
    MediaType("application/x-msi", ".msi", _DOCUMENT, _OLE),
)

_ARCHIVES = (
    # Also where libmagic saw an office file in the first members, and the directory has none.
    MediaType("application/zip application/x-zip application/x-zip-compressed",
              ".zip .zipx .cbz .kmz", _ARCHIVE, _ZIP, ("none of these",)),
    MediaType("application/x-tar application/x-gtar application/x-ustar",
              ".tar .gtar .ustar .cbt .ova", _ARCHIVE, Container.TAR),
    MediaType("application/gzip application/x-gzip", ".gz .tgz .gzip", _ARCHIVE, Container.GZIP),
    MediaType("application/x-bzip2", ".bz2 .tbz .tbz2", _ARCHIVE, Container.BZIP2),
    MediaType("application/x-xz", ".xz .txz", _ARCHIVE, Container.XZ),
    MediaType("application/zstd application/x-zstd", ".zst .tzst", _ARCHIVE),
    MediaType("application/x-lzma", ".lzma .tlz", _ARCHIVE),
    MediaType("application/x-lzip application/lzip", ".lz", _ARCHIVE),
    MediaType("application/x-lz4", ".lz4", _ARCHIVE),
    MediaType("application/x-compress", ".z", _ARCHIVE),
    MediaType("application/x-7z-compressed", ".7z .cb7", _ARCHIVE),
    MediaType("application/x-rar application/vnd.rar", ".rar .cbr", _ARCHIVE),
    MediaType("application/x-cpio", ".cpio", _ARCHIVE),
    MediaType("application/vnd.ms-cab-compressed", ".cab", _ARCHIVE),
    MediaType("application/x-archive application/vnd.debian.binary-package", ".a .deb", _ARCHIVE),
    MediaType("application/x-rpm", ".rpm", _ARCHIVE),
)

_DISK_IMAGES = (MediaType("application/x-iso9660-image", ".iso .img .udf", Family.DISK_IMAGE),)

_EXECUTABLES = (
    MediaType("application/x-dosexec application/vnd.microsoft.portable-executable application/x-msdownload",
              ".exe .dll .com .scr .sys .ocx .cpl .efi .pif", _EXECUTABLE),
    MediaType("application/x-executable application/x-pie-executable application/x-sharedlib "
              "application/x-object application/x-coredump application/x-elf",
              ".elf .so .o .ko .run .appimage .axf", _EXECUTABLE),
    MediaType("application/x-mach-binary", ".dylib .bundle .o", _EXECUTABLE),
    MediaType("application/x-java-applet", ".class", _EXECUTABLE),
    MediaType("application/x-bytecode.python", ".pyc .pyo", _EXECUTABLE),
    MediaType("application/wasm", ".wasm", _EXECUTABLE),
    MediaType("application/x-shockwave-flash application/vnd.adobe.flash.movie", ".swf", _EXECUTABLE),
    MediaType("application/x-ms-shortcut", ".lnk", _EXECUTABLE),
    # Scripts that a browser, a Windows shell or a server may run on sight.
    MediaType("text/javascript application/javascript application/x-javascript", ".js .mjs .cjs", _EXECUTABLE),
    MediaType("text/x-php application/x-httpd-php", ".php .php3 .php4 .php5 .php7 .php8 .phtml .phps", _EXECUTABLE),
    MediaType("text/x-msdos-batch", ".bat .cmd", _EXECUTABLE),
    MediaType("text/x-ms-regedit", ".reg", _EXECUTABLE),
    MediaType("application/x-powershell", ".ps1 .psm1 .psd1", _EXECUTABLE),
    MediaType("text/vbscript", ".vbs .vbe", _EXECUTABLE),
    MediaType("application/hta", ".hta", _EXECUTABLE),
    MediaType("application/x-asp application/x-jsp", ".asp .aspx .ashx .asmx .jsp .jspx .cfm", _EXECUTABLE),
)

_MARKUP_FILES = (
    MediaType("text/html application/xhtml+xml", ".html .htm .xhtml .xht .shtml", _MARKUP, None,
              ("root element html",)),
    MediaType("text/xml application/xml application/rdf+xml application/xml-sitemap",
              ".xml .xsd .xsl .xslt .dtd .rss .atom .rdf .owl .gpx .kml .gml .plist .wsdl .opml .xlf .xliff "
              ".dae", _MARKUP),
    MediaType("application/vnd.google-earth.kml+xml", ".kml .xml", _MARKUP),
)
# fmt: on

# What libmagic calls plain text. It guesses at source code from single words, so a "C" or "Java" file may be a diary.
_NAMES_OF_PLAIN_TEXT = (
    "text/plain text/x-algol68 text/x-asm text/x-awk text/x-bcpl text/x-c text/x-c++ text/x-diff "
    "text/x-forth text/x-fortran text/x-info text/x-java text/x-lisp text/x-lua text/x-m4 text/x-makefile "
    "text/x-objective-c text/x-pascal text/x-perl text/x-po text/x-python text/x-ruby text/x-script.python "
    "text/x-shellscript text/x-systemtap text/x-tcl text/x-tex text/x-texinfo text/troff text/css "
    "text/markdown"
)

# Extensions that are read as text; none that a browser, a shell or a server may run or render on sight.
_EXTENSIONS_OF_TEXT = (
    ".txt .text .log .md .markdown .rst .adoc .asc .nfo .lst .out .err .srt .vtt .sub .ass .ssa .lrc .cue "
    ".m3u .m3u8 .csv .tsv .tab .psv .dat .json .jsonl .ndjson .geojson .topojson .ipynb .har .map .gcode "
    ".stl .obj .ply .yaml .yml .toml .ini .cfg .conf .config .properties .env .lock .diff .patch .po .pot "
    ".ics .vcf .pem .crt .py .pyi .c .h .cc .cpp .cxx .hpp .cs .java .kt .go .rs .rb .pl .pm .r .jl .lua "
    ".swift .m .scala .clj .lisp .el .hs .ml .erl .ex .f .f90 .for .pas .asm .s .sql .sh .bash .zsh .ksh "
    ".awk .tcl .ts .tsx .jsx .css .scss .less .tex .latex .bib .cls .sty .proto .graphql .tf .mk .cmake "
    ".gradle .dart"
)

# fmt: off
_TEXTS = (
    MediaType(_NAMES_OF_PLAIN_TEXT, _EXTENSIONS_OF_TEXT, _TEXT),
    MediaType("text/csv", ".csv .tsv .tab .psv .txt .text .log .dat", _TEXT),
    MediaType("text/tab-separated-values", ".tsv .tab .csv .txt .text .log .dat", _TEXT),
    MediaType("application/json application/x-ndjson application/geo+json",
              ".json .jsonl .ndjson .geojson .topojson .ipynb .har .map .webmanifest .txt .log", _TEXT, None,
              ("one value of JSON",)),
    MediaType("text/calendar", ".ics .ical .ifb .txt", _TEXT),
    MediaType("text/vcard text/x-vcard", ".vcf .vcard .txt", _TEXT),
    MediaType("text/vtt", ".vtt .txt", _TEXT),
    MediaType("application/x-subrip", ".srt .txt", _TEXT),
    MediaType("text/pgp application/pgp-keys application/pgp-signature application/pgp-encrypted",
              ".asc .pgp .gpg .sig .key .txt", _TEXT),
)
# fmt: on

TYPES: tuple[MediaType, ...] = (
    *_IMAGES,
    *_AUDIO_FILES,
    *_VIDEO_FILES,
    *_DOCUMENTS,
    *_OFFICE_FILES,
    *_PACKAGES,
    *_OLE_FILES,
    *_ARCHIVES,
    *_DISK_IMAGES,
    *_EXECUTABLES,
    *_MARKUP_FILES,
    *_TEXTS,
    # Files that begin like an image and do not go on like one.
    MediaType(
        UNKNOWN,
        "",
        Family.UNKNOWN,
        None,
        ("no block behind the header", "no segment behind the first marker", "no chunk of WebP"),
    ),
)


class EquivalentText(NamedTuple):
    """A type of text that counts as another one because of its name: no byte tells a table from a letter."""

    shown: tuple[str, ...]
    """The types that the bytes show."""
    extension: str
    """``*`` for every extension of the type that it counts as."""
    counts_as: str


_PLAIN_TEXTS = tuple(_NAMES_OF_PLAIN_TEXT.split())
_JSON = ("application/json", "application/x-ndjson")

EQUIVALENT_TEXTS = (
    EquivalentText((*_PLAIN_TEXTS, "text/csv", "text/tab-separated-values", *_JSON), "*", "text/plain"),
    EquivalentText(_PLAIN_TEXTS, ".csv", "text/csv"),
    EquivalentText(_PLAIN_TEXTS, ".tsv", "text/tab-separated-values"),
    EquivalentText(_PLAIN_TEXTS, ".md", "text/markdown"),
    EquivalentText(_PLAIN_TEXTS, ".vtt", "text/vtt"),
    EquivalentText(_PLAIN_TEXTS, ".srt", "application/x-subrip"),
    EquivalentText(("text/csv",), ".tsv", "text/tab-separated-values"),
    EquivalentText(("text/tab-separated-values",), ".csv", "text/csv"),
)

# Extensions that say nothing about the content, although some belong to a type.
EXTENSIONS_OF_NO_TYPE = ".bin .dat .data .img .iso .raw .dump .bak .tmp .part"
