-- Every departure with its delays.
select * from flights
where ($carrier is null or carrier = $carrier)
    and ($origin is null or origin = $origin)
    and ($month is null or month = $month)
order by day, carrier, flight, origin, tailnum
