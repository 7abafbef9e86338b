"""What spreadsheets and programs for statistics save."""

from tests.support.public_files.public_file import PublicFile


def utf16(text: str) -> bytes:
    return b"\xff\xfe" + text.replace("\n", "\r\n").encode("utf-16-le")


SPREADSHEETS = [
    PublicFile(
        "Excel, Unicode text",
        "UTF-16 with tabs",
        utf16("Stadt\tUmsatz\nKöln\t12.5\nŁódź\t7.25\n"),
        'select sum("Umsatz"), max("Stadt") from data',
        "19.75, Łódź",
        name="data.txt.csv",
    ),
    PublicFile(
        "Excel, CSV with `sep=`",
        "a first line `sep=;`",
        "sep=;\r\nname;amount\r\nAda;12.5\r\n",
        "select sum(amount) from data",
        "12.5",
    ),
    PublicFile(
        "Excel, CSV of a German PC",
        "`;`, Windows-1252, dates with dots",
        "Datum;Größe;Stück\r\n13.05.2026;groß;3\r\n14.05.2026;klein;4\r\n".encode("cp1252"),
        'select sum("Stück"), max("Datum"), min("Größe") from data',
        "7, 2026-05-14, groß",
    ),
    PublicFile(
        "Google Sheets",
        "line ends of Unix, `TRUE` and `FALSE`",
        "task,done,hours\nmail,TRUE,1.5\ncall,FALSE,2\n",
        "select sum(hours) filter (where done), sum(hours) from data",
        "1.5, 3.5",
    ),
    PublicFile(
        "LibreOffice",
        "numbers that begin with a plus sign stay text",
        "phone,points\n+491701,+5\n+491702,+7\n",
        "select sum(points::bigint), min(phone) from data",
        "12, +491701",
    ),
    PublicFile(
        "pandas, to_csv",
        "a first column without a name, floats",
        ",city,value\n0,Ulm,0.1\n1,Bonn,0.2\n",
        "select sum(value), count(column0) from data",
        "0.3, 2",
    ),
    PublicFile(
        "R, write.csv",
        "`NA` in a column of numbers makes it text",
        '"","species","mass"\n"1","Adelie",3750\n"2","Adelie",NA\n"3","Gentoo",5000\n',
        "select sum(nullif(mass, 'NA')::bigint), count(*) from data",
        "8750, 3",
    ),
    PublicFile(
        "Excel, scientific numbers",
        "numbers that Excel has written as `1.5E+05`",
        "part,units\nA,1.5E+05\nB,2.5E+03\n",
        "select sum(units) from data",
        "152500.0",
    ),
]
