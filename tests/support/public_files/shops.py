"""Exports of shops."""

from tests.support.public_files.public_file import PublicFile

SHOPS = [
    PublicFile(
        "Shopify, orders",
        "several lines for an order, postcodes with an apostrophe, times with an offset",
        "Name,Email,Paid at,Total,Lineitem quantity,Lineitem name,Billing Zip\n"
        "#1001,ada@example.com,2026-05-13 10:15:00 +0200,39.80,2,Mug,'01067\n"
        '#1001,ada@example.com,,,1,"Plate, large",\n',
        'select sum(Total), sum("Lineitem quantity"), max("Billing Zip") from data',
        "39.80, 3, '01067",
    ),
    PublicFile(
        "Shopify, products",
        "HTML with line breaks inside quotes",
        "Handle,Title,Body (HTML),Variant Price\n"
        'mug,Mug,"<p>Holds\n0.3 l</p>",14.50\nlamp,Lamp,,64\n',
        'select sum("Variant Price"), count(*) from data',
        "78.50, 2",
    ),
    PublicFile(
        "Stripe, balance",
        "amounts in cents beside amounts, ids, times in UTC",
        "id,Type,Amount,Fee,Net,Created (UTC)\ntxn_1,charge,39.80,1.45,38.35,2026-05-13 08:15\n"
        "txn_2,refund,-39.80,0.00,-39.80,2026-05-14 08:15\n",
        'select sum(Net), max("Created (UTC)") from data',
        "-1.45, 2026-05-14 08:15:00",
    ),
    PublicFile(
        "Amazon, settlement (flat file V2)",
        "tabs, numbers of orders that look like dates",
        "settlement-id\torder-id\ttransaction-type\tamount\n1\t302-1-2\tOrder\t19.90\n"
        "1\t302-1-3\tRefund\t-5.00\n",
        'select sum(amount), min("order-id") from data',
        "14.90, 302-1-2",
        name="data.tsv",
    ),
    PublicFile(
        "Amazon, date range report",
        "a text about the report before the header",
        '"Includes Amazon Marketplace transactions"\n"All amounts in EUR"\n'
        '"date/time","type","total"\n"May 13, 2026 1:00:00 AM PDT","Order","19.90"\n'
        '"May 14, 2026 1:00:00 AM PDT","Refund","-5.00"\n',
        "select sum(total) from data",
        "14.90",
    ),
    PublicFile(
        "Etsy, sold orders",
        "dates with two-digit years, buyers with emoji",
        "Sale Date,Order ID,Full Name,Order Value\n"
        "05/13/26,3001,Zoë 🌻,24.00\n05/14/26,3002,Ada,8.5\n",
        'select sum("Order Value"), max("Full Name") from data',
        "32.50, Zoë 🌻",
    ),
    PublicFile(
        "WooCommerce, orders",
        "a BOM before a quoted header",
        '\ufeff"Order Number","Order Total Amount","Phone (Billing)"\n"41","99.00","+4930123"\n'
        '"42","1.05","030 123"\n',
        'select sum("Order Total Amount"), min("Order Number"), min("Phone (Billing)") from data',
        "100.05, 41, +4930123",
    ),
    PublicFile(
        "eBay, orders report",
        "an empty line before the header, currency before amounts",
        '\n"Sales Record Number","Total Price","Custom Label"\n"101","EUR 19,90","007"\n',
        """select sum(replace(replace("Total Price", 'EUR ', ''), ',', '.')::decimal(18,2)),
        min("Custom Label") from data""",
        "19.90, 007",
    ),
    PublicFile(
        "Magento, products",
        "two columns of one name",
        "sku,price,price\nA-1,10.00,9.00\nA-2,20.00,18.00\n",
        "select sum(price), sum(price_1) from data",
        "30.00, 27.00",
    ),
    PublicFile(
        "Square, items",
        "dollar signs",
        'Date,Item,Gross Sales\n2026-05-13,Tea,$3.50\n2026-05-14,Cake,"$1,204.00"\n',
        "select sum(translate(\"Gross Sales\", '$,', '')::decimal(18,2)) from data",
        "1207.50",
    ),
    PublicFile(
        "Gift cards",
        "card numbers of 16 and more digits stay whole",
        "card,balance\n4111111111111111111,10.00\n4111111111111111112,5.00\n",
        "select max(card), sum(balance) from data",
        "4111111111111111112, 15.00",
    ),
]
