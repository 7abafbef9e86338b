-- The orders of a web shop, out of the CSV files beside this one: put yours in their place.
select order_id, ordered, country, channel, product, quantity, price, quantity * price as paid
from orders
where ($year is null or year(ordered) = $year)
    and ($country is null or country = $country)
    and ($channel is null or channel = $channel)
