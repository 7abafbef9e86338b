-- Every flight that left New York City in 2013, as far as the filters go.
select day, carrier, airline, origin, destination, destination_name, distance,
    departure_delay, arrival_delay, cancelled,
    case when $month is null then date_trunc('month', day) else day end as period,
    if($month is null, strftime(day, '%b'), strftime(day, '%-d %b')) as period_label
from flights
where ($carrier is null or carrier = $carrier)
    and ($origin is null or origin = $origin)
    and ($month is null or month = $month)
