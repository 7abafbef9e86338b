-- Every single flight, as far as the filters go: the table is as long as the data.
select day, origin, carrier, airline, flight, tailnum, destination, distance, air_time,
    departure_delay, arrival_delay, cancelled,
    case when $month is null then date_trunc('month', day) else day end as period,
    if($month is null, strftime(day, '%b'), strftime(day, '%-d %b')) as period_label
from flights
where ($carrier is null or carrier = $carrier)
    and ($origin is null or origin = $origin)
    and ($destination is null or destination = $destination)
    and ($month is null or month = $month)
