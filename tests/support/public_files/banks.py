"""Statements of banks and of those that move money."""

from tests.support.public_files.public_file import PublicFile

DECIMAL = "DECIMAL(18,2) 1.234,56"

BANKS = [
    PublicFile(
        "Sparkasse, CAMT-CSV",
        "`;`, quotes, decimal comma, Windows-1252, two-digit years",
        '"Auftragskonto";"Buchungstag";"Verwendungszweck";"Betrag";"Währung"\r\n'.encode("cp1252")
        + '"DE02";"02.05.26";"Miete für Büro";"-1.250,00";"EUR"\r\n'.encode("cp1252")
        + '"DE02";"03.05.26";"Gutschrift";"19,90";"EUR"\r\n'.encode("cp1252"),
        'select sum("Betrag"), min("Buchungstag"), min("Verwendungszweck") from data',
        "-1230.10, 2026-05-02, Gutschrift",
        {"Betrag": DECIMAL, "Buchungstag": "DATE %d.%m.%y"},
    ),
    PublicFile(
        "DKB, transactions",
        "four lines about the account before the header",
        '"Girokonto";"DE02"\n"Kontostand vom 04.05.2026:";"1.000,00 €"\n\n'
        '"Buchungsdatum";"Zahlungspflichtige*r";"Betrag (€)"\n'
        '"01.05.2026";"Ada";"-12,50"\n"04.05.2026";"Grace";"2.000,00"\n',
        'select sum("Betrag (€)"), max("Buchungsdatum") from data',
        "1987.50, 2026-05-04",
        {"Betrag (€)": DECIMAL, "Buchungsdatum": "DATE %d.%m.%Y"},
    ),
    PublicFile(
        "ING, Umsatzanzeige",
        "decimal comma in a column that no type fixes stays text",
        "Buchung;Valuta;Betrag\n01.05.2026;01.05.2026;-9,99\n15.05.2026;15.05.2026;100,00\n",
        "select sum(replace(\"Betrag\", ',', '.')::decimal(18,2)), max(\"Buchung\") from data",
        "90.01, 2026-05-15",
    ),
    PublicFile(
        "DATEV, Buchungsstapel",
        "a line of settings before the header, amounts without sign, S or H",
        '"EXTF";700;21;"Buchungsstapel"\n'
        "Umsatz (ohne Soll/Haben-Kz);Soll/Haben-Kennzeichen;WKZ Umsatz;Konto;Belegdatum\n"
        '119,00;"S";"EUR";1400;0105\n19,00;"H";"EUR";1776;0105\n',
        'select sum("Umsatz (ohne Soll/Haben-Kz)"), min("Belegdatum"), max("Konto") from data',
        "138.00, 0105, 1776",
        {"Umsatz (ohne Soll/Haben-Kz)": DECIMAL},
    ),
    PublicFile(
        "HSBC UK, statement",
        "thousands in quotes, days first",
        'Date,Description,Amount\n13/05/2026,RENT,"-1,250.00"\n14/05/2026,SALE,19.90\n',
        "select sum(Amount), min(Date) from data",
        "-1230.10, 2026-05-13",
        {"Amount": "DECIMAL(18,2) 1,234.56"},
    ),
    PublicFile(
        "Barclays, statement",
        "dates that have two readings stay text, unless a type fixes them",
        "Number,Date,Amount\n1,01/02/2026,-5.00\n2,03/04/2026,7.50\n",
        "select sum(Amount), max(Date) from data",
        "2.50, 03/04/2026",
    ),
    PublicFile(
        "Chase, card activity",
        "months first, a minus for what was spent",
        "Transaction Date,Description,Category,Amount\n"
        "05/13/2026,COFFEE #12,Food & Drink,-4.75\n05/14/2026,Payment,,100.00\n",
        'select sum(Amount), max("Transaction Date") from data',
        "95.25, 2026-05-14",
    ),
    PublicFile(
        "Bank of America, statement",
        "a summary of balances before the header, amounts with thousands",
        'Description,,Summary Amt.\nBeginning balance as of 05/01/2026,,"1,000.00"\n\n'
        "Date,Description,Amount,Running Bal.\n"
        '05/13/2026,"ACME, INC.","-1,250.00","-250.00"\n05/14/2026,SALE,"19.90","-230.10"\n',
        'select sum("Amount"), max("Date") from data',
        "-1230.10, 2026-05-14",
        {"Amount": "DECIMAL(18,2) 1,234.56"},
    ),
    PublicFile(
        "Crédit Agricole, relevé",
        "`;`, a space between thousands, decimal comma",
        "Date;Libellé;Débit euros;Crédit euros\n"
        "13/05/2026;Loyer;1\u00a0250,00;\n14/05/2026;Vente;;19,90\n",
        'select sum("Débit euros"), sum("Crédit euros") from data',
        "1250.00, 19.90",
        {"Débit euros": "DECIMAL(18,2) 1\u00a0234,56", "Crédit euros": DECIMAL},
    ),
    PublicFile(
        "PostFinance, Bewegungen",
        "`;`, an apostrophe between thousands",
        "Datum;Text;Gutschrift in CHF\n13.05.2026;Lohn;6'500.00\n14.05.2026;Zins;0.05\n",
        'select sum("Gutschrift in CHF") from data',
        "6500.05",
        {"Gutschrift in CHF": "DECIMAL(18,2) 1'234.56"},
    ),
    PublicFile(
        "ICICI Bank, statement",
        "Indian groups of digits are text; SQL takes the commas out",
        'Date,Withdrawal,Deposit\n13-05-2026,"1,00,000.00",\n14-05-2026,,"2,50,000.50"\n',
        "select sum(replace(Deposit, ',', '')::decimal(18,2)) from data",
        "250000.50",
    ),
    PublicFile(
        "Revolut, statement",
        "times to the second, empty cells",
        "Type,Started Date,Completed Date,Amount,Fee,Currency,Balance\n"
        "CARD_PAYMENT,2026-05-01 09:15:02,2026-05-02 10:00:00,-3.20,0.00,EUR,96.80\n"
        "TOPUP,2026-05-03 09:15:02,,50.00,0.00,EUR,\n",
        'select sum(Amount), max("Started Date"), count("Completed Date") from data',
        "46.80, 2026-05-03 09:15:02, 1",
    ),
    PublicFile(
        "PayPal, activity",
        "a BOM, all cells in quotes, decimal comma",
        '\ufeff"Datum","Name","Brutto","Gebühr"\r\n"13.05.2026","Ada","1.019,90","-0,70"\r\n',
        'select sum("Brutto") + sum("Gebühr") from data',
        "1019.20",
        {"Brutto": DECIMAL, "Gebühr": DECIMAL},
    ),
    PublicFile(
        "Wise, statement",
        "amounts with many decimals beside dates",
        'ID,Date,Amount,"Exchange Rate"\nT1,13-05-2026,-10.00,1.084350\nT2,14-05-2026,5.5,\n',
        'select sum(Amount), max("Exchange Rate") from data',
        "-4.50, 1.084350",
    ),
]
