DELETE FROM roles WHERE name IN ('reviewer', 'door-staff', 'support');
