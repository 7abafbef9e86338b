-- The invoices of one month; the latest month when none is asked for.
with chosen as (
    select coalesce(strptime($month || '-01', '%Y-%m-%d')::date,
        (select date_trunc('month', max(day)) from spend))::date as start
)
select invoice, day, department, vendor, category, description, amount,
    (
        select sum(amount) from spend, chosen
        where day >= start - interval 1 month and day < start
            and ($department is null or department = $department)
    ) as spent_before
from spend, chosen
where day >= start and day < start + interval 1 month
    and ($department is null or department = $department)
