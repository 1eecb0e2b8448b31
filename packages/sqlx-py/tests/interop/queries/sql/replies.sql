-- The replies, with the tweets that have none.
SELECT tweet.id, tweet_reply.text AS "reply?"
FROM tweet LEFT JOIN tweet_reply ON tweet_reply.tweet_id = tweet.id
ORDER BY tweet.id, tweet_reply.id;
