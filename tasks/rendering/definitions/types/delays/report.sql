-- Flights of 2013 out of New York City, and how late they were.
select day, airline, origin, departure_delay, arrival_delay, cancelled,
    case when $month is null then date_trunc('month', day) else day end as period,
    if($month is null, strftime(day, '%b'), strftime(day, '%-d %b')) as period_label
from flights
where ($carrier is null or carrier = $carrier)
    and ($origin is null or origin = $origin)
    and ($month is null or month = $month)
