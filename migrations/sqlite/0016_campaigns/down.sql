DROP TABLE suppressions;
DROP TABLE campaign_deliveries;
DROP TABLE campaigns;
DROP INDEX users_with_campaign_mail;
ALTER TABLE users DROP COLUMN campaign_mail;
