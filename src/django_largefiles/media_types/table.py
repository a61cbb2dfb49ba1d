"""What is known of each media type: the file extensions that go with it, and what its first bytes may hide."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable, Mapping
from types import MappingProxyType

UNKNOWN = "application/octet-stream"
EMPTY = "application/x-empty"

# Rows of types that share their extensions, first as libmagic names them (5.41 and 5.44, asked with files made
# by ffmpeg), then as they are registered or were once called. For types that are not here see _by_type.

_IMAGES = (
    ("image/jpeg image/jpg image/pjpeg", ".jpg .jpeg .jpe .jfif .jif .mpo"),
    ("image/png image/apng image/vnd.mozilla.apng", ".png .apng"),
    ("image/webp", ".webp"),
    ("image/avif", ".avif .avifs"),
    ("image/heic image/heif image/heic-sequence image/heif-sequence", ".heic .heif .hif .heics .heifs"),
    # Cameras' raw files are TIFF within.
    ("image/tiff", ".tif .tiff .dng .nef .arw .pef"),
    ("image/bmp image/x-ms-bmp image/x-bmp", ".bmp .dib"),
    ("image/vnd.microsoft.icon image/x-icon", ".ico .cur"),
    ("image/svg+xml", ".svg"),
    ("image/jxl", ".jxl"),
    ("image/x-portable-greymap image/x-portable-graymap", ".pgm .pnm"),
    ("image/x-eps", ".eps .epsf .epsi .ai"),
)

_AUDIO = (
    ("audio/mpeg audio/mp3 audio/x-mp3", ".mp3 .mp2 .mp1 .mpga .m2a"),
    ("audio/aac audio/aacp audio/x-aac audio/x-hx-aac-adts audio/x-hx-aac-adif", ".aac .adts .adif"),
    # Sony's MSNV brand is told as audio, whatever the tracks.
    ("audio/mp4", ".m4a .m4b .m4p .m4r .mp4 .m4v .f4a"),
    ("audio/x-m4a audio/m4a", ".m4a .m4b .m4p .m4r .mp4"),
    ("audio/ogg audio/opus audio/vorbis", ".ogg .oga .opus .spx .ogx"),
    ("audio/flac audio/x-flac", ".flac"),
    ("audio/x-wav audio/wav audio/wave audio/vnd.wave", ".wav .wave .bwf .rf64"),
    ("audio/x-aiff audio/aiff", ".aif .aiff .aifc"),
    ("audio/midi audio/x-midi audio/mid", ".mid .midi .kar .rmi"),
    ("audio/amr audio/amr-wb", ".amr .awb"),
)

_VIDEO = (
    ("video/mp4 application/mp4", ".mp4 .m4v .mp4v .mpg4 .m4a .m4b .f4v .ismv"),
    ("video/x-m4v video/x-m4p", ".m4v .mp4"),
    ("video/quicktime", ".mov .qt"),
    # Android's recorder calls its 3GPP brand .mp4.
    ("video/3gpp audio/3gpp", ".3gp .3gpp .3ga .mp4"),
    ("video/3gpp2 audio/3gpp2", ".3g2 .3gp2 .3gpp2 .mp4"),
    # The document type that makes it WebM may lie behind what libmagic looks at; tracks do, always.
    ("video/x-matroska audio/x-matroska application/x-matroska", ".mkv .mka .mks .mk3d .webm"),
    ("video/webm", ".webm .weba"),
    ("video/ogg", ".ogv .ogg .ogm .ogx"),
    ("application/ogg", ".ogg .oga .ogv .ogm .ogx .opus .spx"),
    ("video/x-msvideo video/avi video/vnd.avi", ".avi .divx"),
    ("video/x-ms-asf video/x-ms-wmv audio/x-ms-wma application/vnd.ms-asf", ".asf .wmv .wma"),
    ("video/x-flv", ".flv .f4v"),
    ("video/mpeg video/mpv", ".mpg .mpeg .mpe .mpv .m1v .m2v .m2p .vob .evo"),
    ("video/mp2t", ".ts .m2ts .mts .m2t"),
)

_DOCUMENTS = (
    ("application/pdf", ".pdf"),
    ("application/postscript", ".ps .eps .epsf .epsi .ai"),
    ("text/rtf application/rtf", ".rtf"),
    ("message/rfc822", ".eml .mht .mhtml"),
    ("application/vnd.sqlite3 application/x-sqlite3", ".sqlite .sqlite3 .db .db3 .gpkg .mbtiles"),
)

_OOXML = "application/vnd.openxmlformats-officedocument."
_ODF = "application/vnd.oasis.opendocument."
_OFFICE = (
    (f"{_OOXML}wordprocessingml.document", ".docx"),
    (f"{_OOXML}wordprocessingml.template", ".dotx"),
    (f"{_OOXML}spreadsheetml.sheet", ".xlsx"),
    (f"{_OOXML}spreadsheetml.template", ".xltx"),
    (f"{_OOXML}presentationml.presentation", ".pptx"),
    (f"{_OOXML}presentationml.slideshow", ".ppsx"),
    (f"{_OOXML}presentationml.template", ".potx"),
    ("application/vnd.ms-word.document.macroenabled.12", ".docm"),
    ("application/vnd.ms-word.template.macroenabled.12", ".dotm"),
    ("application/vnd.ms-excel.sheet.macroenabled.12", ".xlsm"),
    ("application/vnd.ms-excel.template.macroenabled.12", ".xltm"),
    ("application/vnd.ms-excel.addin.macroenabled.12", ".xlam"),
    ("application/vnd.ms-excel.sheet.binary.macroenabled.12", ".xlsb"),
    ("application/vnd.ms-powerpoint.presentation.macroenabled.12", ".pptm"),
    ("application/vnd.ms-powerpoint.slideshow.macroenabled.12", ".ppsm"),
    ("application/vnd.ms-powerpoint.template.macroenabled.12", ".potm"),
    ("application/vnd.ms-powerpoint.addin.macroenabled.12", ".ppam"),
    ("application/vnd.ms-visio.drawing", ".vsdx"),
    ("application/vnd.ms-visio.drawing.macroenabled", ".vsdm"),
    (f"{_ODF}text", ".odt"),
    (f"{_ODF}text-template", ".ott"),
    (f"{_ODF}spreadsheet", ".ods"),
    (f"{_ODF}spreadsheet-template", ".ots"),
    (f"{_ODF}presentation", ".odp"),
    (f"{_ODF}presentation-template", ".otp"),
    (f"{_ODF}graphics", ".odg"),
)
_OTHERS_INSIDE_ZIP = (
    ("application/epub+zip", ".epub"),
    ("application/java-archive application/x-java-archive", ".jar .war .ear"),
    ("application/vnd.android.package-archive", ".apk"),
    ("application/vnd.google-earth.kmz", ".kmz"),
)

_OLE_TYPES = ("application/cdfv2", "application/x-ole-storage", "application/vnd.ms-office")
_INSIDE_OLE = (
    ("application/msword", ".doc .dot"),
    ("application/vnd.ms-excel", ".xls .xlt .xla"),
    ("application/vnd.ms-powerpoint", ".ppt .pps .pot"),
    ("application/vnd.visio", ".vsd .vss .vst"),
    ("application/vnd.ms-project", ".mpp"),
    ("application/vnd.ms-publisher", ".pub"),
    ("application/vnd.ms-outlook application/x-ms-msg", ".msg"),
    ("application/x-msi", ".msi"),
)

_OLE = ((" ".join(_OLE_TYPES), ".doc .dot .xls .xlt .xla .ppt .pps .pot .vsd .mpp .pub .msg"),)

_ZIP = (("application/zip application/x-zip application/x-zip-compressed", ".zip .zipx .cbz .kmz"),)

_DESCRIBED = (
    ("application/gzip application/x-gzip", ".gz .tgz .gzip"),
    ("application/x-bzip2", ".bz2 .tbz .tbz2"),
    ("application/x-xz", ".xz .txz"),
    ("application/x-tar application/x-gtar application/x-ustar", ".tar .gtar .ustar .cbt .ova"),
)

_ARCHIVES = (
    ("application/zstd application/x-zstd", ".zst .tzst"),
    ("application/x-lzma", ".lzma .tlz"),
    ("application/x-lzip application/lzip", ".lz"),
    ("application/x-lz4", ".lz4"),
    ("application/x-compress", ".z"),
    ("application/x-7z-compressed", ".7z .cb7"),
    ("application/x-rar application/vnd.rar", ".rar .cbr"),
    ("application/x-cpio", ".cpio"),
    ("application/vnd.ms-cab-compressed", ".cab"),
    ("application/x-archive application/vnd.debian.binary-package", ".a .deb"),
    ("application/x-rpm", ".rpm"),
)

_DISKS = (("application/x-iso9660-image", ".iso .img .udf"),)

_EXECUTABLES = (
    (
        "application/x-dosexec application/vnd.microsoft.portable-executable application/x-msdownload",
        ".exe .dll .com .scr .sys .ocx .cpl .efi .pif",
    ),
    (
        "application/x-executable application/x-pie-executable application/x-sharedlib application/x-object "
        "application/x-coredump application/x-elf",
        ".elf .so .o .ko .run .appimage .axf",
    ),
    ("application/x-mach-binary", ".dylib .bundle .o"),
    ("application/x-java-applet", ".class"),
    ("application/x-bytecode.python", ".pyc .pyo"),
    ("application/wasm", ".wasm"),
    ("application/x-shockwave-flash application/vnd.adobe.flash.movie", ".swf"),
    ("application/x-ms-shortcut", ".lnk"),
    # Those of scripts that a browser, a shell of Windows or a server may run on sight.
    ("text/javascript application/javascript application/x-javascript", ".js .mjs .cjs"),
    ("text/x-php application/x-httpd-php", ".php .php3 .php4 .php5 .php7 .php8 .phtml .phps"),
    ("text/x-msdos-batch", ".bat .cmd"),
    ("text/x-ms-regedit", ".reg"),
    ("application/x-powershell", ".ps1 .psm1 .psd1"),
    ("text/vbscript", ".vbs .vbe"),
    ("application/hta", ".hta"),
    ("application/x-asp application/x-jsp", ".asp .aspx .ashx .asmx .jsp .jspx .cfm"),
)

_MARKUP = (
    ("text/html application/xhtml+xml", ".html .htm .xhtml .xht .shtml"),
    (
        "text/xml application/xml application/rdf+xml application/xml-sitemap",
        ".xml .xsd .xsl .xslt .dtd .rss .atom .rdf .owl .gpx .kml .gml .plist .wsdl .opml .xlf .xliff .dae",
    ),
    ("application/vnd.google-earth.kml+xml", ".kml .xml"),
)

# What is read as text; not what a browser, a shell or a server may run or render on sight.
_TEXTUAL = (
    ".txt .text .log .md .markdown .rst .adoc .asc .nfo .lst .out .err .srt .vtt .sub .ass .ssa .lrc .cue "
    ".m3u .m3u8 .csv .tsv .tab .psv .dat .json .jsonl .ndjson .geojson .topojson .ipynb .har .map .gcode "
    ".stl .obj .ply .yaml .yml .toml .ini .cfg .conf .config .properties .env .lock .diff .patch .po .pot "
    ".ics .vcf .pem .crt .py .pyi .c .h .cc .cpp .cxx .hpp .cs .java .kt .go .rs .rb .pl .pm .r .jl .lua "
    ".swift .m .scala .clj .lisp .el .hs .ml .erl .ex .f .f90 .for .pas .asm .s .sql .sh .bash .zsh .ksh "
    ".awk .tcl .ts .tsx .jsx .css .scss .less .tex .latex .bib .cls .sty .proto .graphql .tf .mk .cmake "
    ".gradle .dart"
)

# libmagic guesses at source code from single words, so what it calls C or Java may well be a diary.
_GUESSES = (
    "text/plain text/x-algol68 text/x-asm text/x-awk text/x-bcpl text/x-c text/x-c++ text/x-diff "
    "text/x-forth text/x-fortran text/x-info text/x-java text/x-lisp text/x-lua text/x-m4 text/x-makefile "
    "text/x-objective-c text/x-pascal text/x-perl text/x-po text/x-python text/x-ruby text/x-script.python "
    "text/x-shellscript text/x-systemtap text/x-tcl text/x-tex text/x-texinfo text/troff text/css "
    "text/markdown"
)

_TEXT = (
    (_GUESSES, _TEXTUAL),
    ("text/csv", ".csv .tsv .tab .psv .txt .text .log .dat"),
    ("text/tab-separated-values", ".tsv .tab .csv .txt .text .log .dat"),
    (
        "application/json application/x-ndjson application/geo+json",
        ".json .jsonl .ndjson .geojson .topojson .ipynb .har .map .webmanifest .txt .log",
    ),
    ("text/calendar", ".ics .ical .ifb .txt"),
    ("text/vcard text/x-vcard", ".vcf .vcard .txt"),
    ("text/vtt", ".vtt .txt"),
    ("application/x-subrip", ".srt .txt"),
    (
        "text/pgp application/pgp-keys application/pgp-signature application/pgp-encrypted",
        ".asc .pgp .gpg .sig .key .txt",
    ),
)

_ROWS = (
    *_IMAGES,
    *_AUDIO,
    *_VIDEO,
    *_DOCUMENTS,
    *_OFFICE,
    *_OTHERS_INSIDE_ZIP,
    *_INSIDE_OLE,
    *_OLE,
    *_ZIP,
    *_DESCRIBED,
    *_ARCHIVES,
    *_DISKS,
    *_EXECUTABLES,
    *_MARKUP,
    *_TEXT,
)


def _by_type() -> dict[str, frozenset[str]]:
    table: dict[str, set[str]] = {}
    # The defaults of the standard library, not the files of the host, which differ from one to the next.
    for suffix, kind in mimetypes.MimeTypes(filenames=()).types_map[True].items():
        table.setdefault(kind, set()).add(suffix)
    table.update({kind: set(suffixes.split()) for kinds, suffixes in _ROWS for kind in kinds.split()})
    del table[UNKNOWN]
    return {kind: frozenset(suffixes) for kind, suffixes in table.items()}


def _types(rows: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(kind for kinds, _ in rows for kind in kinds.split())


EXTENSIONS: Mapping[str, frozenset[str]] = MappingProxyType(_by_type())

OFFICE_TYPES = _types(_OFFICE)
ZIP_TYPES = _types(_ZIP)
INSIDE_ZIP = OFFICE_TYPES + _types(_OTHERS_INSIDE_ZIP)
"""Types of files that are ZIP archives within."""
DESCRIBED_ARCHIVES = frozenset((*ZIP_TYPES, *_types(_OTHERS_INSIDE_ZIP), *_types(_DESCRIBED)))
"""Those whose directory is read."""
ARCHIVE_TYPES = DESCRIBED_ARCHIVES.union(OFFICE_TYPES, _types(_ARCHIVES))
"""What others are packed in, and must not be ``ready`` before its directory was judged."""
GUESSED_TEXTS = tuple(_GUESSES.split())
"""What libmagic calls plain text, by whatever name it guesses at."""

# These say nothing of the content, though some also belong to a type.
_PROMISING_NOTHING = frozenset((".bin", ".dat", ".data", ".img", ".iso", ".raw", ".dump", ".bak", ".tmp", ".part"))
TELLING = frozenset().union(*EXTENSIONS.values()) - _PROMISING_NOTHING

_ALL_ZIP = (*ZIP_TYPES, *INSIDE_ZIP)
_ALL_TEXT = (*_types(_TEXT), *_types(_MARKUP), "image/svg+xml", "message/rfc822", UNKNOWN)

POSSIBLE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        # The directory at the end tells what is made of a ZIP, whatever its first member looks like.
        **dict.fromkeys(_ALL_ZIP, _ALL_ZIP),
        # The directory that tells them apart lies anywhere in the file.
        **dict.fromkeys(_OLE_TYPES, (*_OLE_TYPES, *_types(_INSIDE_OLE))),
        # JSON and CSV count only when whole, and what libmagic guesses changes with every further line; a comment
        # may push the first tag of markup out of the head.
        **dict.fromkeys(_types(_TEXT), _ALL_TEXT),
        "text/xml": (*_types(_MARKUP), "image/svg+xml"),
        # The volume descriptor stands at 32 KiB (ECMA-119).
        UNKNOWN: ("application/x-iso9660-image",),
    }
)
