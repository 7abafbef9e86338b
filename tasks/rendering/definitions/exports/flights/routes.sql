-- Each pair of airports: how many flights, and how late they were.
select origin, destination, destination_name, count(*) as flights,
    avg(departure_delay) as mean_departure_delay, avg(arrival_delay) as mean_arrival_delay
from flights
where ($carrier is null or carrier = $carrier)
    and ($month is null or month = $month)
group by all
order by flights desc, origin, destination
