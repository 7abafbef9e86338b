-- Every invoice.
select * from spend
where ($department is null or department = $department)
    and ($month is null or strftime(day, '%Y-%m') = $month)
order by invoice
