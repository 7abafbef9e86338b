-- What each vendor was paid.
select vendor, category, count(*) as invoices, sum(amount) as paid, max(day) as last_invoice
from spend
where ($department is null or department = $department)
    and ($month is null or strftime(day, '%Y-%m') = $month)
group by all
order by paid desc, vendor, category
