"""The service: acquisition, analysis, evidence, recording and the page's API."""
